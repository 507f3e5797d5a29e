// A thread stopped inside a system call must make it again in the restored process, as after
// SIGSTOP and SIGCONT.
#pragma once

#include <sys/types.h>

#include "arch/arch.h"
#include "inputs/call_gate.h"

namespace thaw::checkpoint {

/// Changes the registers of a stopped thread so that it makes its interrupted system call again.
/// True where it waits in one that any handler of a signal would end (signal(7)).
bool make_restartable(pid_t tid, arch::Registers& registers);

/// The same for a thread that is held, so that it makes the call that it is held at. Fails with
/// EAGAIN where it is just about to wait again.
Result<void> stand_before(const inputs::HeldCall& held, arch::Registers& registers);

}  // namespace thaw::checkpoint
