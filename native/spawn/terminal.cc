#include "spawn/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace thaw::spawn {
namespace {

void copy(int from, int to) {
  char bytes[4096];
  for (;;) {
    const ssize_t size = read(from, bytes, sizeof(bytes));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    (void)!write(to, bytes, static_cast<size_t>(size));
  }
}

}  // namespace

Result<Terminal> make_terminal(std::optional<uid_t> owner) {
  constexpr const char* kProblem = "cannot make a terminal";
  // As hardly a terminal has it: to a launch in one of another size a line editor draws its prompt.
  const winsize size = {37, 101, 0, 0};
  Terminal terminal;
  terminal.master.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  const int master = terminal.master.get();
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return errno_error(kProblem);
  terminal.slave.reset(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  const int slave = terminal.slave.get();
  if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) != 0 ||
      (owner && fchown(slave, *owner, static_cast<gid_t>(-1)) != 0))
    return errno_error(kProblem);
  return terminal;
}

Result<void> copy_shown(UniqueFd master, int log) {
  UniqueFd to(fcntl(log, F_DUPFD_CLOEXEC, 3));
  if (!to.valid()) return errno_error("cannot duplicate a descriptor");
  // Signals are for the threads of Node.js.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([from = std::move(master), to = std::move(to)] {
    copy(from.get(), to.get());
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {};
}

}  // namespace thaw::spawn
