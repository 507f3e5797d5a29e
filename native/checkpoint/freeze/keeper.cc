#include "checkpoint/freeze/keeper.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "support/silent_child.h"
#include "support/unique_fd.h"

namespace thaw::checkpoint {
namespace {

Result<UniqueFd> open_process(pid_t pid) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.valid()) return errno_error("cannot hold process " + std::to_string(pid));
  return fd;
}

/// A copy of one thread of a process that may have many: it calls the kernel, and nothing else.
[[noreturn]] void keep(int parent, std::span<const UniqueFd> processes) {
  setsid();  // What ends the parent's group shall not end it as well.
  pollfd poller = {parent, POLLIN, 0};
  while (poll(&poller, 1, -1) < 0) {
  }
  for (const UniqueFd& process : processes)
    syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  _exit(0);
}

/// All signals: the copy must live until it is ended.
class AllBlocked {
 public:
  AllBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  AllBlocked(const AllBlocked&) = delete;
  AllBlocked& operator=(const AllBlocked&) = delete;
  ~AllBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Result<Keeper> Keeper::begin(std::span<const Freeze> processes) {
  THAW_ASSIGN(parent, open_process(getpid()));
  std::vector<UniqueFd> fds;
  for (const Freeze& process : processes) {
    THAW_ASSIGN(fd, open_process(process.pid()));
    fds.push_back(std::move(fd));
  }
  const AllBlocked blocked;
  Keeper keeper;
  const long child = fork_silently();
  if (child == 0) keep(parent.get(), fds);
  if (child < 0) return errno_error("cannot make the process that watches over the app's");
  keeper.pid_ = static_cast<pid_t>(child);
  return keeper;
}

Keeper& Keeper::operator=(Keeper&& other) noexcept {
  end();
  pid_ = std::exchange(other.pid_, 0);
  return *this;
}

Keeper::~Keeper() {
  end();
}

void Keeper::end() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  await_silent(pid_);
  pid_ = 0;
}

}  // namespace thaw::checkpoint
