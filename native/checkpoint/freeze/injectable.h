// Whether system calls can be injected into the threads of a process at all.
#pragma once

#include "checkpoint/freeze/freeze.h"
#include "support/result.h"

namespace thaw::checkpoint {

/// Refuses threads whose system calls the kernel hands back to them (Syscall User Dispatch, as Wine
/// uses it): an injected one would end the app by SIGSYS, and a launch would not have it.
Result<void> check_injectable(const Freeze& freeze);

}  // namespace thaw::checkpoint
