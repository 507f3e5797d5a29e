#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "spawn/spawn.h"

namespace thaw::spawn {
namespace {

/// Undoes what Node does to its process when it starts, as far as exec would pass that on.
void leave_as_found(const std::vector<int>& inherit) {
  for (int i = 0; i < 3; ++i) {
    fcntl(i, F_SETFL, fcntl(i, F_GETFL) & ~O_NONBLOCK);
    fcntl(i, F_SETFD, 0);
  }
  for (const int number : inherit) fcntl(number, F_SETFD, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
}

}  // namespace

Error become(const Program& program, const std::vector<int>& inherit) {
  const std::vector<char*> argv = pointers(program.arguments);
  const std::vector<char*> envp = pointers(program.environment);
  leave_as_found(inherit);
  execve(program.path.c_str(), argv.data(), envp.data());
  return errno_error("cannot execute " + program.path);
}

}  // namespace thaw::spawn
