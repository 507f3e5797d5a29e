#include "checkpoint/plan/memory_plan.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace thaw::checkpoint {

void Overlay::apply(uint64_t address, void* bytes, size_t size) const {
  for (const auto& [at, patch] : patches_) {
    const uint64_t start = std::max(at, address), end = std::min(at + patch.size(), address + size);
    if (start >= end) continue;
    memcpy(static_cast<char*>(bytes) + (start - address), patch.data() + (start - at), end - start);
  }
}

std::vector<Span> Overlay::pages(size_t page_size) const {
  std::vector<Span> spans;
  for (const auto& [at, patch] : patches_) {
    const Span span = {at / page_size * page_size,
                       (at + patch.size() + page_size - 1) / page_size * page_size};
    if (!spans.empty() && span.start <= spans.back().end)
      spans.back().end = std::max(spans.back().end, span.end);
    else
      spans.push_back(span);
  }
  return spans;
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

std::vector<Span> mapped_segments(const Region& region) {
  constexpr uint64_t kBetweenAnonymous = 1
                                         << 20;  // From here on it comes back as untouched memory.
  constexpr uint64_t kBetweenOfFile = 128 << 10, kAround = 128 << 10;
  std::vector<Span> segments =
      close_gaps(region.runs, region.backing == Backing::file ? kBetweenOfFile : kBetweenAnonymous);
  // The ends of another file's mapping may lie behind the end of the file, where an access is a
  // SIGBUS.
  const bool widened = region.backing == Backing::anonymous || region.of_object;
  if (segments.empty() || !widened) return segments;
  uint64_t& start = segments.front().start;
  uint64_t& end = segments.back().end;
  if (start - region.vma->start <= kAround) start = region.vma->start;
  if (region.vma->end - end <= kAround) end = region.vma->end;
  return segments;
}

Result<void> plan_memory(Capture& capture) {
  MemoryPlan plan;
  THAW_TRY(plan_regions(capture, plan));
  THAW_TRY(plan_area(capture, plan));
  return emit_memory(capture, plan);
}

}  // namespace thaw::checkpoint
