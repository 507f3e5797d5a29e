// Whether what answers system calls is a kernel that can checkpoint and launch.
#pragma once

#include "support/result.h"

namespace thaw {

/// Fails under QEMU user emulation and its like: there the system calls of a program are the
/// emulator's, and its memory lies in the emulator's own. It is told by ptrace(2) giving ENOSYS,
/// which no kernel does.
Result<void> check_not_emulated();

/// Fails where prctl(PR_SET_MM_MAP) is missing: the kernel was built without
/// CONFIG_CHECKPOINT_RESTORE.
Result<void> check_memory_layout_call();

}  // namespace thaw
