// What a checkpoint refuses of a process before anything is stopped.
#pragma once

#include <sys/types.h>

#include <vector>

#include "support/result.h"

namespace thaw::proc {

/// An error that names what of the process (or of this kernel) cannot be restored, and what to
/// change. Looks only at /proc: the process runs on meanwhile.
Result<void> check_supported(pid_t pid);

/// The part of it that not even a look at the rest gets around: there is no such process, or its
/// threads cannot be stopped.
Result<void> check_traceable(pid_t pid);

/// The other part: everything that is refused, each with its remedy.
std::vector<Error> refusals(pid_t pid);

}  // namespace thaw::proc
