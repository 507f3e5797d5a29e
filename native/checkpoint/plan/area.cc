// Lays out the thaw area. Header and signal frames come first, then the shim's code, then its
// tables.
#include <signal.h>

#include <algorithm>
#include <cstddef>

#include "checkpoint/area_header.h"
#include "checkpoint/plan/address_space.h"
#include "checkpoint/plan/fork_notifiers.h"
#include "checkpoint/plan/memory_plan.h"
#include "support/app_call.h"

namespace thaw::checkpoint {
namespace {

constexpr uint32_t kSaRestorer = 0x04000000;  ///< SA_RESTORER of all three CPUs; libc hides it

/// Header and signal frames, a whole number of pages, for an area of `size` bytes at `start`.
std::vector<uint8_t> lay_out_frames(Capture& capture, const ProcessCapture& process, uint64_t start,
                                    uint64_t size) {
  const model::Requirements& needs = capture.image.requirements.back();
  const std::string program(capture.image.bytes(needs.program));
  std::vector<uint8_t> bytes = area_header({start, size, program});
  bytes.resize(round_up(bytes.size(), arch::kFrameAlignment));
  for (size_t i = 0; i < process.threads.size(); ++i) {
    const SignalState& signals = process.threads[i].signals;
    const uint64_t at = bytes.size();
    const std::vector<uint8_t> frame =
        arch::signal_frame({process.threads[i].registers, signals.blocked, signals.stack_address,
                            signals.stack_size, signals.stack_flags},
                           start + at);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    bytes.resize(round_up(bytes.size(), arch::kFrameAlignment));
    capture.image.threads[process.record.threads.first + i].frame =
        start + at + arch::kFrameStackOffset;
  }
  bytes.resize(round_up(bytes.size(), capture.page_size));
  return bytes;
}

/// What the shim guards: anonymous memory that is mapped from the image.
std::vector<shim::GuardedRange> guarded_ranges(const MemoryPlan& plan) {
  std::vector<shim::GuardedRange> ranges;
  for (const Region& region : plan.regions) {
    if (region.pages != Pages::mapped || region.backing != Backing::anonymous) continue;
    const Vma& vma = *region.vma;
    for (const Span& segment : region.segments)
      ranges.push_back({segment.start, segment.end, vma.prot, vma.has("dc"), vma.has("dd")});
  }
  return ranges;
}

void record_area(model::Process& record, const Area& area, const shim::ShimPlan& shim) {
  const uint64_t code = area.start + area.code;
  record.area_start = area.start;
  record.area_size = area.bytes.size();
  record.park_code = code + shim.park_offset;
  record.finish_code = code + shim.finish_offset;
  record.leave_code = code + shim.leave_offset;
  record.park_word = area.start + area.data + shim.park_word_offset;
  record.segment_ids = area.start + area.data + shim.segment_ids_offset;
}

/// An app that limits its hooks may start its program cold in a launch (shim/blob/cold.cc).
void handle_thaw_signal(Capture& capture, ProcessCapture& process, uint64_t code,
                        const shim::ShimPlan& shim) {
  const uint64_t call = capture.is_root(process) ? capture.request.call_address : 0;
  uint32_t limit = 0;
  if (call == 0 || !process.memory.read(call + offsetof(thaw_call, limit), &limit, sizeof(limit)) ||
      limit == 0)
    return;
  model::Range& own = process.record.sigactions;
  auto& actions = capture.image.sigactions;
  auto action = std::find_if(actions.begin() + own.first, actions.begin() + own.first + own.count,
                             [](const model::SigAction& one) { return one.signal == THAW_SIGNAL; });
  if (action == actions.begin() + own.first + own.count) {
    action = actions.insert(action, model::SigAction{});
    ++own.count;
    for (ProcessCapture& other : capture.processes)
      if (&other != &process && other.record.sigactions.first >= own.first)
        ++other.record.sigactions.first;
  }
  action->signal = THAW_SIGNAL;
  action->handler = code + shim.start_cold_offset;
  action->restorer = code + shim.signal_return_offset;
  action->flags = SA_SIGINFO | SA_NODEFER | kSaRestorer;
  action->mask = 0;
}

/// Enough for the shim: its code, and a byte of its tables for every page that it guards.
uint64_t room_for(const std::vector<shim::GuardedRange>& ranges, size_t page_size) {
  constexpr uint64_t kShimRoom = 4 << 20;
  uint64_t pages = 0;
  for (const shim::GuardedRange& range : ranges) pages += (range.end - range.start) / page_size;
  return kShimRoom + pages;
}

Result<uint64_t> place_for(const ProcessCapture& process, const MemoryPlan& plan,
                           const shim::Input& input) {
  if (!plan.sites)
    return choose_place(free_ranges(process, plan),
                        plan.area.code + room_for(input.ranges, input.page_size), input.page_size);
  const shim::ShimPlan somewhere = shim::plan(input);
  const uint64_t size = plan.area.code + somewhere.code.size() + somewhere.data.size();
  return choose_place_near_code(process, plan, round_up(size, input.page_size), input.page_size);
}

}  // namespace

Result<void> plan_area(Capture& capture, ProcessCapture& process, MemoryPlan& plan) {
  const size_t page_size = capture.page_size;
  Area& area = plan.area;
  area.code = lay_out_frames(capture, process, 0, 0).size();
  shim::Input input;
  input.page_size = page_size;
  input.guards_off = capture.request.guards_off;
  input.libc = plan.libc ? &*plan.libc : nullptr;
  input.sites = plan.sites ? &*plan.sites : nullptr;
  input.ranges = guarded_ranges(plan);
  input.call_address = capture.is_root(process) ? capture.request.call_address : 0;
  if (plan.libc && plan.libc->of_segments) input.segments = plan.segment_ids;
  input.known_ipc = capture.known_ipc;
  const ForkNotifiers notifiers = fork_notifiers(process);
  input.fork_handlers = notifiers.told;
  for (const std::string& file : notifiers.untold)
    capture.warnings.push_back(
        file +
        " asks to be told of a fork (pthread_atfork), and a launch does not tell it: if it draws "
        "random numbers or keeps the pid, put that right in a hook (thaw.h)");
  THAW_ASSIGN(start, place_for(process, plan, input));
  area.start = start;
  input.code_address = start + area.code;
  const shim::ShimPlan shim = shim::plan(input);
  area.code_size = shim.code.size();
  area.data = area.code + area.code_size;
  area.data_size = round_up(shim.data.size(), page_size);
  const uint64_t size = area.data + area.data_size;

  area.bytes = lay_out_frames(capture, process, start, size);
  area.bytes.insert(area.bytes.end(), shim.code.begin(), shim.code.end());
  area.bytes.insert(area.bytes.end(), shim.data.begin(), shim.data.end());
  area.bytes.resize(size);
  for (const shim::Patch& patch : shim.patches) process.overlay.add(patch.address, patch.bytes);
  record_area(process.record, area, shim);
  if (input.segments.empty()) process.record.segment_ids = 0;
  handle_thaw_signal(capture, process, input.code_address, shim);
  if (plan.libc || plan.sites) process.record.flags |= model::kShimGuards;
  record_gaps(capture, process, plan);
  return {};
}

}  // namespace thaw::checkpoint
