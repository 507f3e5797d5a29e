// The app's own call to thaw_checkpoint() (include/thaw.h): it waits on a futex word for the
// answer.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "support/app_call.h"
#include "support/result.h"

namespace thaw::checkpoint {

/// Writes the answer for the process that runs on: one of the states of include/thaw.h.
Result<void> answer_call(pid_t pid, uint64_t address, uint32_t state);

}  // namespace thaw::checkpoint
