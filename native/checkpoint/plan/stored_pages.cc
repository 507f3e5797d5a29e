#include "checkpoint/plan/stored_pages.h"

#include <algorithm>
#include <cstring>

namespace thaw::checkpoint {
namespace {

/// Parts are judged one by one.
constexpr uint64_t kChunk = 1 << 20;
/// More changed pages than one of so many, or at more places, and the part is stored as a whole: each
/// of them is copied by each launch, or mapped.
constexpr uint64_t kMostChanged = 4;
constexpr size_t kMostPlaces = 32;
/// Smaller parts are not worth a mapping of their own.
constexpr uint64_t kLeastPages = 4;

void read(const ProcessCapture& process, const Span& span, std::vector<char>& bytes, size_t page) {
  process.memory.read_pages(span.start, bytes.data(), span.size(), page);
  process.overlay.apply(span.start, bytes.data(), span.size());
}

/// One with the last where they are one in both memory and image.
void add_stored(std::vector<StoredPages::Part>& parts, StoredPages::Part part) {
  if (!parts.empty() && parts.back().stored && parts.back().span.end == part.span.start &&
      parts.back().place + parts.back().span.size() == part.place) {
    StoredPages::Part& last = parts.back();
    last.span.end = part.span.end;
    for (const Span& changed : part.changed) extend(last.changed, changed.start, changed.size());
    return;
  }
  parts.push_back(std::move(part));
}

}  // namespace

void StoredPages::add(size_t process, const Span& span, uint64_t place) {
  if (span.size() != 0 && of_.size() > 1) of_[process][span.start] = {span.end, place};
}

std::vector<StoredPages::Part> StoredPages::parts(size_t process, const Span& segment) const {
  const model::Index parent = capture_.processes[process].record.parent;
  std::vector<Part> parts;
  uint64_t next = segment.start;
  const auto store_until = [&](uint64_t end) {
    if (end <= next) return;
    if (!parts.empty() && !parts.back().stored)
      parts.back().span.end = end;
    else
      parts.push_back({{next, end}, false, 0, {}});
    next = end;
  };
  if (parent == model::kNone) {
    store_until(segment.end);
    return parts;
  }
  const auto& stored = of_[parent];
  auto at = stored.upper_bound(segment.start);
  if (at != stored.begin()) --at;
  for (; at != stored.end() && at->first < segment.end; ++at) {
    const auto& [end, place] = at->second;
    const Span both = {std::max(at->first, segment.start), std::min(end, segment.end)};
    for (uint64_t start = both.start; start < both.end; start += kChunk) {
      const Span chunk = {start, std::min(start + kChunk, both.end)};
      std::vector<Span> changed =
          changed_pages(capture_.processes[parent], capture_.processes[process], chunk);
      if (chunk.size() < kLeastPages * capture_.page_size ||
          total_size(changed) * kMostChanged > chunk.size() || changed.size() > kMostPlaces)
        continue;
      store_until(chunk.start);
      add_stored(parts, {chunk, true, place + (chunk.start - at->first), std::move(changed)});
      next = chunk.end;
    }
  }
  store_until(segment.end);
  return parts;
}

std::vector<Span> StoredPages::changed_pages(const ProcessCapture& parent,
                                             const ProcessCapture& child, const Span& span) const {
  const size_t page = capture_.page_size;
  std::vector<char> before(span.size()), now(span.size());
  read(parent, span, before, page);
  read(child, span, now, page);
  std::vector<Span> changed;
  for (uint64_t at = 0; at < span.size(); at += page)
    if (memcmp(before.data() + at, now.data() + at, page) != 0)
      extend(changed, span.start + at, page);
  return changed;
}

}  // namespace thaw::checkpoint
