#include "checkpoint/plan/plan.h"

#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/program_counters.h"

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

Result<void> plan_memory(Capture& capture, size_t process_index, PageData& data) {
  ProcessCapture& process = capture.processes[process_index];
  MemoryPlan plan;
  THAW_TRY(classify(capture, process_index, plan, data));
  // Which code of libc changes is known before its new bytes are: they depend on the area's place,
  // the place on the area's size, and the size on what is mapped from the image.
  THAW_TRY(choose_returns(process, plan, capture.page_size));
  THAW_TRY(check_program_counters(process, plan));
  THAW_TRY(plan_area(capture, process, plan));
  THAW_TRY(plan_ids(capture, process_index, plan));
  emit_ops(capture, process_index, plan, data);
  return {};
}

}  // namespace

Result<PageData> plan(Capture& capture) {
  PageData data(capture.page_size);
  plan_contents(capture, data);
  for (size_t i = 0; i < capture.processes.size(); ++i) {
    THAW_TRY(plan_memory(capture, i, data));
    capture.image.processes.push_back(capture.processes[i].record);
  }
  return data;
}

}  // namespace thaw::checkpoint
