// No thread may stand in code that will be other code after a launch.
#pragma once

#include "checkpoint/plan/memory_plan.h"

namespace thaw::checkpoint {

/// EAGAIN if a thread stands in code that a launch leaves out or that thaw changes: a moment later
/// it stands elsewhere.
Result<void> check_program_counters(const ProcessCapture& process, const MemoryPlan& plan);

}  // namespace thaw::checkpoint
