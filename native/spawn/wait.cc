#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/given.h"
#include "spawn/keeper.h"
#include "spawn/spawn.h"
#include "support/unique_fd.h"

namespace thaw::spawn {

Result<Exit> wait(pid_t child) {
  if (const auto keeper = keeper_of(child)) return wait_kept(*keeper);
  // A pidfd becomes readable at the end only; waitid alone would wake up for ptrace stops, too.
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (!pidfd.valid()) return Error{0, "there is no child process " + std::to_string(child)};
  pollfd poller = {pidfd.get(), POLLIN, 0};
  while (poll(&poller, 1, -1) < 0 && errno == EINTR) {
  }
  siginfo_t info = {};
  if (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED) != 0)
    return Error{0, "process " + std::to_string(child) + " is no child of this process"};
  forget_given(child);
  return Exit{info.si_code != CLD_EXITED, info.si_status};
}

}  // namespace thaw::spawn
