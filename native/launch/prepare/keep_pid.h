// --keep-pid: the app runs in a child that has the pid of the checkpoint; this process stands for
// it.
#pragma once

#include <sys/types.h>

#include "support/result.h"

namespace thaw::launch {

/// Forks a child with process id `pid` (clone3 with set_tid: CAP_CHECKPOINT_RESTORE). Returns in
/// the child. The parent forwards signals, stops and continues with the child, and ends as the
/// child ends; it never returns.
Result<void> continue_as(pid_t pid);

}  // namespace thaw::launch
