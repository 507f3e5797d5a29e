#include "checkpoint/plan/address_space.h"

#include <algorithm>

namespace thaw::checkpoint {
namespace {

constexpr uint64_t kLowest = 1 << 20;             ///< below: left alone, as mmap_min_addr asks
constexpr uint64_t kHighest = uint64_t{1} << 56;  ///< above: [vsyscall]
constexpr size_t kMostGaps = 16;
constexpr uint64_t kMargin = 1 << 20;  ///< kept free beside the area: stacks and heaps grow

bool is_smaller(const Span& a, const Span& b) {
  return a.size() < b.size();
}

std::vector<Span> used_ranges(const ProcessCapture& process, const MemoryPlan& plan) {
  std::vector<Span> used;
  for (const Region& region : plan.regions) used.push_back({region.vma->start, region.vma->end});
  const model::Process& record = process.record;
  if (record.vdso_start != 0)
    used.push_back({record.vdso_start, record.vdso_start + record.vdso_size});
  if (record.vvar_size != 0)
    used.push_back({record.vvar_start, record.vvar_start + record.vvar_size});
  const Area& area = plan.area;
  if (!area.bytes.empty()) used.push_back({area.start, area.start + area.bytes.size()});
  std::sort(used.begin(), used.end(),
            [](const Span& a, const Span& b) { return a.start < b.start; });
  return used;
}

}  // namespace

std::vector<Span> free_ranges(const ProcessCapture& process, const MemoryPlan& plan) {
  std::vector<Span> free;
  uint64_t next = kLowest;
  for (const Span& used : used_ranges(process, plan)) {
    if (used.start >= kHighest) break;
    if (used.start > next) free.push_back({next, used.start});
    next = std::max(next, used.end);
  }
  return free;
}

Result<uint64_t> choose_place(const std::vector<Span>& free, uint64_t size, uint64_t page_size) {
  constexpr uint64_t kPlenty = uint64_t{1} << 40;
  const auto largest = std::max_element(free.begin(), free.end(), is_smaller);
  if (largest != free.end() && largest->size() > kPlenty)
    return round_up(largest->start + largest->size() / 2, uint64_t{1} << 30);
  const Span* best = nullptr;
  for (const Span& range : free)
    if (range.size() >= size + 2 * kMargin && (best == nullptr || is_smaller(range, *best)))
      best = &range;
  if (best == nullptr)
    return Error{ENOMEM, "the app's address space has no room for thaw's own area"};
  return round_up(best->start + kMargin, page_size);
}

Result<uint64_t> choose_place_near_code(const ProcessCapture& process, const MemoryPlan& plan,
                                        uint64_t size, uint64_t page_size) {
  constexpr uint64_t kBetween = 64 << 10;
  const arch::Code& code = plan.sites->code;
  const std::vector<Span> free = free_ranges(process, plan);
  const Span* below = nullptr;
  const Span* above = nullptr;
  for (const Span& range : free) {
    if (range.size() < size + 2 * kBetween) continue;
    if (range.end <= code.start) below = &range;
    if (range.start >= code.end() && above == nullptr) above = &range;
  }
  if (below != nullptr && code.end() - (below->end - kBetween - size) <= arch::kStubReach)
    return (below->end - kBetween - size) / page_size * page_size;
  const uint64_t place = above != nullptr ? round_up(above->start + kBetween, page_size) : 0;
  // The kernel leaves some megabytes between the program and its heap, as many as chance has it.
  const uint64_t heap = plan.sites->heap_grows ? process.record.layout.start_brk : UINT64_MAX;
  if (place != 0 && place + size <= heap && place + size - code.start <= arch::kStubReach)
    return place;
  return Error{ENOMEM, "there is no room for thaw's own area near the program's code"};
}

void record_gaps(Capture& capture, ProcessCapture& process, const MemoryPlan& plan) {
  std::vector<Span> gaps = free_ranges(process, plan);
  std::sort(gaps.begin(), gaps.end(),
            [](const Span& a, const Span& b) { return is_smaller(b, a); });
  gaps.resize(std::min(gaps.size(), kMostGaps));
  auto& records = capture.image.gaps;
  process.record.gaps = {static_cast<model::Index>(records.size()),
                         static_cast<uint32_t>(gaps.size())};
  for (const Span& gap : gaps) records.push_back({gap.start, gap.end});
}

}  // namespace thaw::checkpoint
