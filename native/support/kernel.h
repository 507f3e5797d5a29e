// Whether what answers system calls is a kernel that can checkpoint and launch.
#pragma once

#include <string>

#include "support/result.h"

namespace thaw {

/// Fails under QEMU user emulation and its like: there the system calls of a program are the
/// emulator's, and its memory lies in the emulator's own. It is told by ptrace(2) giving ENOSYS,
/// which no kernel does.
Result<void> check_not_emulated();

/// Fails where prctl(PR_SET_MM_MAP) is missing: the kernel was built without
/// CONFIG_CHECKPOINT_RESTORE.
Result<void> check_memory_layout_call();

/// Fails where there is no proc(5) at /proc, as in a chroot that nobody has prepared.
Result<void> check_proc();

/// Fails where a child must not be traced: whatever forbids it (Yama, another security module, a
/// filter) forbids it for apps as well. Tries it.
Result<void> check_tracing();

/// Yama's ptrace_scope; empty: this kernel has no Yama.
std::string yama_scope();

}  // namespace thaw
