#include "checkpoint/plan/plan.h"

#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/program_counters.h"
#include "checkpoint/plan/queued_ids.h"
#include "checkpoint/plan/segments.h"
#include "proc/members.h"

namespace thaw::checkpoint {
namespace {

/// Content of open files, which may be mapped as well.
void plan_contents(Capture& capture, PageData& data) {
  for (size_t i = 0; i < capture.contents.size(); ++i) {
    const model::Range runs = capture.contents[i].runs;
    for (model::Index n = runs.first; n < runs.first + runs.count; ++n) {
      model::DataRun& run = capture.image.data_runs[n];
      run.data = data.reserve(run.size);
      data.add({run.data, run.size, FromFile{i, run.offset}});
    }
  }
}

/// What is known of all processes, while one is planned after the other.
struct OfAll {
  IdScanner scanner;
  StoredPages stored;
};

/// Memory that each launch reads in at once is what makes it slow.
void warn_of_copies(Capture& capture, const ProcessCapture& process, const MemoryPlan& plan) {
  constexpr uint64_t kWorthTelling = 16 << 20;
  uint64_t copied = 0;
  for (const Region& region : plan.regions)
    if (region.pages == Pages::copied && region.backing == Backing::anonymous)
      copied += total_size(region.segments);
  if (plan.unguarded.empty() || copied < kWorthTelling) return;
  capture.warnings.push_back("each launch copies " + std::to_string(copied >> 20) +
                             " MB of the memory of process " + std::to_string(process.pid) + ": " +
                             plan.unguarded);
}

Result<void> plan_memory(Capture& capture, size_t process_index, OfAll& all, PageData& data) {
  ProcessCapture& process = capture.processes[process_index];
  MemoryPlan plan;
  THAW_TRY(classify(capture, process_index, plan, data));
  // Which code of libc changes is known before its new bytes are: they depend on the area's place,
  // the place on the area's size, and the size on what is mapped from the image.
  THAW_TRY(choose_returns(process, plan, capture.page_size));
  warn_of_copies(capture, process, plan);
  THAW_TRY(check_program_counters(process, plan));
  THAW_TRY(plan_area(capture, process, plan));
  THAW_TRY(plan_ids(capture, process_index, plan, all.scanner));
  plan_mode_copies(capture, process_index, plan);
  emit_ops(capture, process_index, plan, all.stored, data);
  return {};
}

}  // namespace

Result<PageData> plan(Capture& capture) {
  THAW_TRY(check_queues(capture));
  PageData data(capture.page_size);
  plan_contents(capture, data);
  OfAll all = {scanner_for(capture), StoredPages(capture)};
  for (size_t i = 0; i < capture.processes.size(); ++i) {
    auto planned = plan_memory(capture, i, all, data);
    if (!planned && i != 0) return proc::of_member(planned.error(), capture.processes[i].pid);
    THAW_TRY(std::move(planned));
    capture.image.processes.push_back(capture.processes[i].record);
  }
  THAW_TRY(plan_left_segments(capture, data));
  for (const EndedProcess& process : capture.ended)
    capture.image.processes.push_back(process.record);
  return data;
}

}  // namespace thaw::checkpoint
