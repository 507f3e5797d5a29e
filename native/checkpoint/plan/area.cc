// The thaw area: what stays mapped in the restored app. Header and signal frames, the shim's code,
// the shim's tables.
#include <algorithm>
#include <cstring>

#include "checkpoint/freeze/app_call.h"
#include "checkpoint/plan/area_header.h"
#include "checkpoint/plan/memory_plan.h"
#include "shim/shim_plan.h"

namespace thaw::checkpoint {
namespace {

constexpr uint64_t kLowest = 1 << 20;             ///< below: left alone, as mmap_min_addr asks
constexpr uint64_t kHighest = uint64_t{1} << 56;  ///< above: [vsyscall]
constexpr size_t kMostGaps = 16;                  ///< recorded for the restorer, the largest
constexpr uint64_t kMargin = 1 << 20;  ///< kept free beside the area: stacks and heaps grow

uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// Free ranges between everything that the app will have mapped, ascending.
std::vector<model::Gap> free_ranges(const Capture& capture, const MemoryPlan& plan) {
  std::vector<Span> used;
  for (const Region& region : plan.regions) used.push_back({region.vma->start, region.vma->end});
  const model::Process& process = capture.process;
  if (process.vdso_start != 0)
    used.push_back({process.vdso_start, process.vdso_start + process.vdso_size});
  if (process.vvar_size != 0)
    used.push_back({process.vvar_start, process.vvar_start + process.vvar_size});
  if (!plan.area.empty()) used.push_back({plan.area_start, plan.area_start + plan.area.size()});
  std::sort(used.begin(), used.end(),
            [](const Span& a, const Span& b) { return a.start < b.start; });
  std::vector<model::Gap> gaps;
  uint64_t next = kLowest;
  for (const Span& span : used) {
    if (span.start >= kHighest) break;
    if (span.start > next) gaps.push_back({next, span.start});
    next = std::max(next, span.end);
  }
  return gaps;
}

/// Where the area goes. With address space to spare, far from everything; without, where it hurts
/// least.
Result<uint64_t> choose_place(const std::vector<model::Gap>& gaps, uint64_t size, uint64_t page) {
  constexpr uint64_t kPlenty = uint64_t{1} << 40;
  const auto largest = std::max_element(
      gaps.begin(), gaps.end(),
      [](const model::Gap& a, const model::Gap& b) { return a.end - a.start < b.end - b.start; });
  if (largest != gaps.end() && largest->end - largest->start > kPlenty)
    return round_up(largest->start + (largest->end - largest->start) / 2, uint64_t{1} << 30);
  const model::Gap* best = nullptr;
  for (const model::Gap& gap : gaps)
    if (gap.end - gap.start >= size + 2 * kMargin &&
        (best == nullptr || gap.end - gap.start < best->end - best->start))
      best = &gap;
  if (best == nullptr)
    return Error{ENOMEM, "the app's address space has no room for thaw's own area"};
  return round_up(best->start + kMargin, page);
}

class AreaPlanner {
 public:
  AreaPlanner(Capture& capture, MemoryPlan& plan)
      : capture_(capture), plan_(plan), page_(capture.writer.page_size()) {}

  Result<void> run() {
    const uint64_t frames_size = lay_out_frames(0, 0).size();
    constexpr uint64_t kShimRoom = 4 << 20;
    THAW_ASSIGN(start, choose_place(free_ranges(capture_, plan_),
                                    frames_size + kShimRoom + guarded_bytes() / page_, page_));
    plan_.area_start = start;
    std::vector<uint8_t> area = lay_out_frames(start, 0);
    plan_.area_code = area.size();
    THAW_ASSIGN(shim, plan_shim(start + plan_.area_code));
    THAW_TRY(check_program_counters(shim));
    area.insert(area.end(), shim.code.begin(), shim.code.end());
    plan_.area_code_size = shim.code.size();
    plan_.area_data = area.size();
    plan_.area_data_size = round_up(shim.data.size(), page_);
    shim.data.resize(plan_.area_data_size);
    area.insert(area.end(), shim.data.begin(), shim.data.end());
    const std::vector<uint8_t> front =
        lay_out_frames(start, area.size());  // Now that the size is known.
    std::copy(front.begin(), front.end(), area.begin());
    plan_.area = std::move(area);
    for (shim::Patch& patch : shim.patches) THAW_TRY(add_patch(patch));
    answer_app_call();
    record(shim);
    return {};
  }

 private:
  /// Header and signal frames, a whole number of pages.
  std::vector<uint8_t> lay_out_frames(uint64_t start, uint64_t size) {
    const model::Requirements& needs = capture_.image.requirements.back();
    const std::string program(capture_.image.bytes(needs.program));
    std::vector<uint8_t> bytes = area_header({start, size, program});
    bytes.resize(round_up(bytes.size(), arch::kFrameAlignment));
    for (size_t i = 0; i < capture_.registers.size(); ++i) {
      const SignalState& state = capture_.signal_states[i];
      const uint64_t at = bytes.size();
      const std::vector<uint8_t> frame =
          arch::signal_frame({capture_.registers[i], state.blocked, state.stack_address,
                              state.stack_size, state.stack_flags},
                             start + at);
      bytes.insert(bytes.end(), frame.begin(), frame.end());
      bytes.resize(round_up(bytes.size(), arch::kFrameAlignment));
      capture_.image.threads[capture_.process.threads.first + i].frame =
          start + at + arch::kFrameStackOffset;
    }
    bytes.resize(round_up(bytes.size(), page_));
    return bytes;
  }

  [[nodiscard]] uint64_t guarded_bytes() const {
    uint64_t bytes = 0;
    for (const Region& region : plan_.regions)
      if (region.pages == Pages::mapped)
        for (const Span& segment : region.segments) bytes += segment.size();
    return bytes;
  }

  Result<shim::ShimPlan> plan_shim(uint64_t at) {
    shim::Input input;
    input.code_address = at;
    input.page_size = page_;
    input.guards_off = capture_.request.guards_off;
    input.vmas = capture_.vmas;
    input.read = [this](uint64_t address, void* out, size_t size) {
      return read_app(capture_, address, out, size);
    };
    if (plan_.guarded)
      for (const Region& region : plan_.regions)
        if (region.pages == Pages::mapped && region.backing == Backing::anonymous)
          for (const Span& segment : region.segments)
            input.ranges.push_back({segment.start, segment.end, region.vma->prot,
                                    region.vma->has("dc"), region.vma->has("dd")});
    return shim::plan(input);
  }

  /// Pages with changed bytes are stored, as if the app had changed them.
  Result<void> add_patch(shim::Patch& patch) {
    const uint64_t first = patch.address / page_ * page_;
    const uint64_t last = round_up(patch.address + patch.bytes.size(), page_);
    plan_.overlay.add(patch.address, std::move(patch.bytes));
    for (Region& region : plan_.regions) {
      if (region.vma->start > first || region.vma->end < last) continue;
      region.runs.push_back({first, last});
      std::sort(region.runs.begin(), region.runs.end(),
                [](const Span& a, const Span& b) { return a.start < b.start; });
      region.runs = merge_overlaps(region.runs);
      region.segments = mapped_segments(region);
      if (region.pages == Pages::none) region.pages = Pages::mapped;
      return {};
    }
    return Error{0, "thaw cannot guard a libc function: its code is not in one mapping"};
  }

  static std::vector<Span> merge_overlaps(const std::vector<Span>& spans) {
    std::vector<Span> merged;
    for (const Span& span : spans) {
      if (!merged.empty() && span.start <= merged.back().end)
        merged.back().end = std::max(merged.back().end, span.end);
      else
        merged.push_back(span);
    }
    return merged;
  }

  /// A thread must not stand in code that will be other code after a launch.
  Result<void> check_program_counters(const shim::ShimPlan& shim) const {
    const model::Process& process = capture_.process;
    for (const arch::Registers& registers : capture_.registers) {
      const uint64_t pc = arch::program_counter(registers);
      bool bad = pc - process.vdso_start < process.vdso_size;
      for (const shim::Patch& patch : shim.patches)
        bad = bad || (pc > patch.address && pc < patch.address + patch.bytes.size());
      for (const Vma& vma : capture_.vmas) {
        if (pc < vma.start || pc >= vma.end) continue;
        bad = bad || std::none_of(plan_.regions.begin(), plan_.regions.end(),
                                  [&vma](const Region& region) { return region.vma == &vma; });
      }
      if (bad && process.vdso_size != 0)
        return Error{EAGAIN, "a thread of the app never leaves code that thaw must change"};
    }
    return {};
  }

  void answer_app_call() {
    const uint64_t address = capture_.request.call_address;
    if (address == 0) return;
    std::vector<uint8_t> word(sizeof(kCallRestored));
    memcpy(word.data(), &kCallRestored, sizeof(kCallRestored));
    shim::Patch patch = {address, std::move(word)};
    (void)add_patch(patch).ok();
  }

  void record(const shim::ShimPlan& shim) {
    model::Process& process = capture_.process;
    const uint64_t code = plan_.area_start + plan_.area_code;
    process.area_start = plan_.area_start;
    process.area_size = plan_.area.size();
    process.park_code = code + shim.park_offset;
    process.finish_code = code + shim.finish_offset;
    process.leave_code = code + shim.leave_offset;
    process.park_word = plan_.area_start + plan_.area_data + shim.park_word_offset;
    if (shim.guarded) process.flags |= model::kShimGuards;
    std::vector<model::Gap> gaps = free_ranges(capture_, plan_);
    std::sort(gaps.begin(), gaps.end(), [](const model::Gap& a, const model::Gap& b) {
      return a.end - a.start > b.end - b.start;
    });
    gaps.resize(std::min(gaps.size(), kMostGaps));
    process.gaps = {static_cast<model::Index>(capture_.image.gaps.size()),
                    static_cast<uint32_t>(gaps.size())};
    capture_.image.gaps.insert(capture_.image.gaps.end(), gaps.begin(), gaps.end());
  }

  Capture& capture_;
  MemoryPlan& plan_;
  size_t page_;
};

}  // namespace

Result<void> plan_area(Capture& capture, MemoryPlan& plan) {
  return AreaPlanner(capture, plan).run();
}

}  // namespace thaw::checkpoint
