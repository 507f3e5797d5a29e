// System V semaphores and message queues that the app has used: they belong to no process and outlive
// all of them, and the app keeps their ids.
#pragma once

#include <vector>

#include "checkpoint/capture.h"
#include "proc/members.h"

namespace thaw::checkpoint {

/// Adds those that a policy keeps; the frozen processes and their descriptors are known. Refused: those
/// without a policy, and what the kernel would undo at the end of a process (SEM_UNDO).
Result<void> collect_ipc_objects(Capture& capture);

/// What of it can be told of processes that run.
std::vector<Error> ipc_refusals(const Request& request, const proc::Members& members);

}  // namespace thaw::checkpoint
