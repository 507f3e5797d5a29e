// Scheduling that a launch cannot give back: what only sched_setattr(2) sets.
#pragma once

#include <sys/types.h>

#include "support/result.h"

namespace thaw::proc {

/// Refuses a process of which any thread has such.
Result<void> check_scheduling(pid_t pid);

}  // namespace thaw::proc
