#include "spawn/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "support/pipe.h"

namespace thaw::spawn {
namespace {

/// What a keeper says on its status pipe: the child's pid first, then how it ended.
struct Message {
  pid_t pid;
  Exit exit;
};

std::mutex keepers_mutex;
std::map<pid_t, std::shared_ptr<Keeper>> keepers;  // By child.

// ---- In the keeper: the copy of a process with threads, so system calls only.

constexpr int kControl = 0, kStatus = 1;

void say(const Message& message) {
  (void)!write(kStatus, &message, sizeof(message));
}

/// Reaps what has ended. False when there is no child any more.
bool reap(pid_t child, bool& child_ended) {
  for (;;) {
    siginfo_t info = {};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) return errno != ECHILD;
    if (info.si_pid == 0) return true;
    if (info.si_pid != child) continue;
    child_ended = true;
    say({child, {info.si_code != CLD_EXITED, info.si_status}});
  }
}

/// Kills our children, those that we have inherited too; false where the kernel does not list them.
bool kill_children() {
  const int list = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (list < 0) return false;
  static char text[1 << 16];
  const ssize_t size = read(list, text, sizeof(text) - 1);
  close(list);
  text[size > 0 ? size : 0] = '\0';
  for (char* next = text;;) {
    const long pid = strtol(next, &next, 10);
    if (pid <= 0) return true;
    kill(static_cast<pid_t>(pid), SIGKILL);
  }
}

/// Until nothing is left: what a child of ours has started is ours when that child has ended.
void end_all(pid_t child, bool child_ended) {
  constexpr int kLooks = 10'000;
  if (!child_ended) kill(-child, SIGKILL);
  for (int look = 0; look < kLooks; ++look) {
    const bool listed = kill_children();
    if (!listed && !child_ended) kill(child, SIGKILL);
    if (!reap(child, child_ended) || (!listed && child_ended)) return;
    const timespec moment = {0, 1'000'000};
    nanosleep(&moment, nullptr);
  }
}

/// Kernels before 5.9 and filters of system calls refuse close_range(2).
void close_from(int first) {
  if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
  rlimit most = {};
  if (getrlimit(RLIMIT_NOFILE, &most) != 0) return;
  const rlim_t end = most.rlim_cur < (1 << 20) ? most.rlim_cur : 1 << 20;
  for (rlim_t fd = static_cast<rlim_t>(first); fd < end; ++fd) close(static_cast<int>(fd));
}

[[noreturn]] void keep(pid_t child, int control, int status) {
  // Out of the way of each other first.
  const int copy = fcntl(status, F_DUPFD, 10);
  if (copy < 0 || dup2(control, kControl) < 0 || dup2(copy, kStatus) < 0) _exit(1);
  // What the app has open, we must not.
  close_from(2);
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  const int signals = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
  bool child_ended = false;
  say({child, {}});
  reap(child, child_ended);
  pollfd wanted[] = {{kControl, POLLIN, 0}, {signals, POLLIN, 0}};
  while (poll(wanted, 2, -1) < 0 || wanted[0].revents == 0) {
    signalfd_siginfo info;
    while (read(signals, &info, sizeof(info)) == ssize_t{sizeof(info)}) {
    }
    reap(child, child_ended);
  }
  end_all(child, child_ended);
  _exit(0);
}

[[noreturn]] void run_keeper(Fork fork_child, const std::function<void()>& before,
                             const std::function<void()>& run, int control, int status) {
  setsid();  // Signals of our terminal are not for the keeper.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  signal(SIGCHLD, SIG_DFL);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NAME, "thaw-keeper");
  before();
  const pid_t child = fork_child();
  if (child == 0) run();
  if (child <= 0) _exit(1);
  keep(child, control, status);
}

// ---- In our process.

Result<Message> hear(const Keeper& keeper) {
  Message message = {};
  ssize_t size = 0;
  while ((size = read(keeper.status.get(), &message, sizeof(message))) < 0 && errno == EINTR) {
  }
  if (size == ssize_t{sizeof(message)}) return message;
  return Error{0, "the keeper of a child process ended"};
}

}  // namespace

Result<pid_t> fork_kept(Fork fork_child, const std::function<void()>& before,
                        const std::function<void()>& run) {
  THAW_ASSIGN(control, make_pipe());
  THAW_ASSIGN(status, make_pipe());
  const pid_t pid = fork();
  if (pid < 0) return errno_error("cannot fork");
  if (pid == 0) {
    control.writer.reset();
    status.reader.reset();
    run_keeper(fork_child, before, run, control.reader.get(), status.writer.get());
  }
  status.writer.reset();
  auto keeper = std::make_shared<Keeper>();
  keeper->pid = pid;
  keeper->control = std::move(control.writer);
  keeper->status = std::move(status.reader);
  auto first = hear(*keeper);
  if (!first) {
    waitpid(pid, nullptr, 0);
    return first.error();
  }
  const pid_t child = first.value().pid;
  const std::lock_guard lock(keepers_mutex);
  keepers[child] = std::move(keeper);
  return child;
}

std::shared_ptr<Keeper> keeper_of(pid_t child) {
  const std::lock_guard lock(keepers_mutex);
  const auto found = keepers.find(child);
  return found == keepers.end() ? nullptr : found->second;
}

Result<Exit> wait_kept(Keeper& keeper) {
  THAW_ASSIGN(message, hear(keeper));
  return message.exit;
}

void end(pid_t child) {
  const std::shared_ptr<Keeper> keeper = keeper_of(child);
  if (keeper == nullptr) return;
  keeper->control.reset();
  while (waitpid(keeper->pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  const std::lock_guard lock(keepers_mutex);
  keepers.erase(child);
}

}  // namespace thaw::spawn
