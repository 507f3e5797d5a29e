// What stands in for the kernel: not always one that can checkpoint and launch.
#pragma once

#include "support/result.h"

namespace thaw {

/// Fails under QEMU user emulation and its like, where ptrace(2) does not exist (ENOSYS; no kernel
/// is without it): the system calls of an emulated program are the emulator's, and its memory lies
/// in the emulator's own.
Result<void> check_not_emulated();

/// Fails where prctl(PR_SET_MM_MAP) is missing: the kernel was built without
/// CONFIG_CHECKPOINT_RESTORE.
Result<void> check_memory_layout_call();

}  // namespace thaw
