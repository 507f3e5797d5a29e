// What the kernel undoes at a process's end of its semaphore operations (SEM_UNDO of semop(2)).
#pragma once

#include "checkpoint/capture.h"
#include "proc/system_v.h"

namespace thaw::checkpoint {

/// Whether the frozen process has such operations on one of the set's semaphores, none of which changes
/// by the question. True where nobody can tell.
Result<bool> has_undos(const ProcessCapture& process, const proc::IpcObject& set);

}  // namespace thaw::checkpoint
