// What a checkpoint refuses of a process, and of all that descend from it, before anything is stopped.
#pragma once

#include <sys/types.h>

#include <vector>

#include "proc/members.h"
#include "support/result.h"

namespace thaw::proc {

/// An error that names what of a process or its descendants (or of this kernel) cannot be restored,
/// and what to change. Looks only at /proc: they run on meanwhile.
Result<void> check_supported(pid_t root, Ids ids = Ids::corrected);

/// The part of it that not even a look at the rest gets around: there is no such process, or its
/// threads cannot be stopped.
Result<void> check_traceable(pid_t pid);

/// The other part: everything that is refused, each with its remedy; of each process for itself, and
/// of a tree.
std::vector<Error> refusals(const Members& members, Ids ids = Ids::corrected);

}  // namespace thaw::proc
