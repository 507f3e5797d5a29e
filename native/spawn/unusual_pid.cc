#include "spawn/unusual_pid.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "proc/next_pid.h"

namespace thaw::spawn {

pid_t fork_with_unusual_pid() {
  const uint32_t pid_max = proc::pid_limit();
  constexpr int kTries = 16;
  for (int i = 0; i < kTries && pid_max >= 2; ++i) {
    const pid_t pid = proc::unlikely_pid(pid_max);
    clone_args arguments = {};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<uintptr_t>(&pid);
    arguments.set_tid_size = 1;
    const long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (child >= 0) return static_cast<pid_t>(child);
    if (errno != EEXIST && errno != EINVAL) break;
  }
  return fork();
}

pid_t fork_with_large_pid() {
  proc::RaisedPidLimit raised;
  const pid_t pid = fork_with_unusual_pid();
  if (pid == 0) raised.leave();
  return pid;
}

}  // namespace thaw::spawn
