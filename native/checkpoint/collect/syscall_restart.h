// A thread stopped inside a system call must make it again in the restored process, as after
// SIGSTOP and SIGCONT.
#pragma once

#include <sys/types.h>

#include "arch/arch.h"

namespace thaw::checkpoint {

/// Changes the registers of a stopped thread so that it makes its interrupted system call again.
void make_restartable(pid_t tid, arch::Registers& registers);

}  // namespace thaw::checkpoint
