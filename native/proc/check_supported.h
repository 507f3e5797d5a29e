// What a checkpoint refuses of a process before anything is stopped.
#pragma once

#include <sys/types.h>

#include "support/result.h"

namespace thaw::proc {

/// An error that names what of the process (or of this kernel) cannot be restored, and what to
/// change. Looks only at /proc: the process runs on meanwhile.
Result<void> check_supported(pid_t pid);

}  // namespace thaw::proc
