// A pid that no other number in the app's memory is likely to equal.
#pragma once

#include <sys/types.h>

namespace thaw::spawn {

/// fork(2) with a random odd number in the upper half of the pids as the child's pid, where
/// privileges allow (CAP_CHECKPOINT_RESTORE); else with the next one. In the child, only what
/// signal-safety(7) allows is safe, and no call of libc that takes its own id from memory.
pid_t fork_with_unusual_pid();

/// The same, with one above kernel.pid_max where that is small and can be raised for the moment of
/// the fork (as root, on a 64-bit kernel).
pid_t fork_with_large_pid();

}  // namespace thaw::spawn
