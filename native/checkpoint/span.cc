#include "checkpoint/span.h"

#include <algorithm>

namespace thaw::checkpoint {

void extend(std::vector<Span>& spans, uint64_t start, uint64_t size) {
  if (!spans.empty() && spans.back().end == start)
    spans.back().end += size;
  else
    spans.push_back({start, start + size});
}

void unite(std::vector<Span>& spans, const std::vector<Span>& added) {
  if (added.empty()) return;
  spans.insert(spans.end(), added.begin(), added.end());
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.start < b.start; });
  std::vector<Span> merged;
  for (const Span& span : spans) {
    if (!merged.empty() && span.start <= merged.back().end)
      merged.back().end = std::max(merged.back().end, span.end);
    else
      merged.push_back(span);
  }
  spans = std::move(merged);
}

std::vector<Span> close_gaps(const std::vector<Span>& spans, uint64_t gap) {
  std::vector<Span> joined;
  for (const Span& span : spans) {
    if (!joined.empty() && span.start - joined.back().end <= gap)
      joined.back().end = span.end;
    else
      joined.push_back(span);
  }
  return joined;
}

std::vector<Span> without(const Span& span, const std::vector<Span>& others) {
  std::vector<Span> left;
  uint64_t next = span.start;
  for (const Span& other : others) {
    if (other.end <= next || other.start >= span.end) continue;
    if (other.start > next) left.push_back({next, other.start});
    next = other.end;
  }
  if (next < span.end) left.push_back({next, span.end});
  return left;
}

uint64_t total_size(const std::vector<Span>& spans) {
  uint64_t size = 0;
  for (const Span& span : spans) size += span.size();
  return size;
}

}  // namespace thaw::checkpoint
