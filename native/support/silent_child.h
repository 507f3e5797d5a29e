// Processes of thaw's own beside the app or its caller, which hear nothing of them.
#pragma once

#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace thaw {

/// As fork(2), without a signal at its end, for which this process may have a handler: await_silent() waits for it. `flags`:
/// those of clone(2).
inline long fork_silently(uint64_t flags = 0) {
  clone_args arguments = {};
  arguments.flags = flags;
  const long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (child >= 0 || errno != ENOSYS) return child;
  return syscall(SYS_clone, flags, 0, 0, 0, 0);  // As libc does: many filters answer that.
}

/// In a child: whoever kills its parent ends it as well.
inline void die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const pid_t now = getppid();  // 0: that of the first in a pid namespace.
  if (now != parent && now != 0) _exit(128 + SIGKILL);
}

/// Until it has ended.
inline void await_silent(pid_t child) {
  while (waitpid(child, nullptr, __WCLONE) < 0 && errno == EINTR) {
  }
}

}  // namespace thaw
