// The app's own call to thaw_checkpoint() (include/thaw.h): it waits on a futex word for the
// answer.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "support/result.h"

namespace thaw::checkpoint {

/// Values of struct thaw_call.state.
constexpr uint32_t kCallRestored = 1, kCallLeftRunning = 2;

/// Writes the answer for the process that runs on.
Result<void> answer_call(pid_t pid, uint64_t address, uint32_t state);

}  // namespace thaw::checkpoint
