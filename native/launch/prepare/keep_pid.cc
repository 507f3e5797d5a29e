#include "launch/prepare/keep_pid.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "launch/check/pid_namespace.h"
#include "launch/prepare/pid_namespace.h"
#include "support/end_as.h"
#include "support/file.h"
#include "support/silent_child.h"

namespace thaw::launch {
namespace {

bool is_stood_for = false, has_user_namespace = false;

void follow(pid_t child, PidNamespace& space) {
  int status = 0;
  for (;;) {
    const pid_t told = waitpid(child, &status, WNOHANG | WUNTRACED | WCONTINUED);
    if (told < 0 && errno != ECHILD) continue;
    if (told != child) return;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      space.end();
      end_as(static_cast<uint32_t>(status));
    }
    if (!WIFSTOPPED(status)) continue;
    raise(SIGSTOP);  // The shell sees its job stop; it continues us, we continue the app.
    kill(child, SIGCONT);
  }
}

[[noreturn]] void stand_for(pid_t child, const sigset_t& all, PidNamespace& space) {
  close_range(0, ~0U, 0);  // What the app closes shall be closed.
  for (;;) {
    siginfo_t info = {};
    const int number = sigwaitinfo(&all, &info);
    if (number < 0) continue;
    if (number == SIGCHLD) follow(child, space);
    // What the terminal sends goes to the whole process group: the child has it already.
    else if (info.si_code != SI_KERNEL)
      kill(child, number);
  }
}

/// True if the process is a zombie, or gone; keeps errno.
bool has_ended(pid_t pid) {
  const int before = errno;
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  errno = before;
  return !stat || stat.value().find(") Z ") != std::string::npos;
}

/// As a stand-in waits for signals; takes that back where there is none in the end.
class StandInSignals {
 public:
  StandInSignals() { sigfillset(&all_); }
  StandInSignals(const StandInSignals&) = delete;
  StandInSignals& operator=(const StandInSignals&) = delete;
  ~StandInSignals() {
    if (usual_) sigaction(SIGCHLD, &callers_, nullptr);
    if (blocked_) sigprocmask(SIG_SETMASK, &before_, nullptr);
  }

  Result<void> begin() {
    // Who ignores SIGCHLD gets no word of a child's end, and no status.
    struct sigaction usual = {};
    usual.sa_handler = SIG_DFL;
    blocked_ = sigprocmask(SIG_BLOCK, &all_, &before_) == 0;
    usual_ = blocked_ && sigaction(SIGCHLD, &usual, &callers_) == 0;
    return usual_ ? Result<void>() : errno_error("cannot wait for the app's end");
  }
  [[nodiscard]] const sigset_t& all() const { return all_; }

 private:
  sigset_t all_ = {}, before_ = {};
  struct sigaction callers_ = {};
  bool blocked_ = false, usual_ = false;
};

/// -1 with errno where it cannot be had.
long fork_with(pid_t pid) {
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<uintptr_t>(&pid);
  arguments.set_tid_size = 1;
  return syscall(SYS_clone3, &arguments, sizeof(arguments));
}

/// An instance that was killed a moment ago has it until its memory is gone and its last parent has
/// taken its status.
long fork_when_free(pid_t pid) {
  constexpr int kTries = 200, kTriesOfLiving = 30;
  long child = fork_with(pid);
  for (int i = 0; i < kTries && child < 0 && errno == EEXIST; ++i) {
    if (i >= kTriesOfLiving && !has_ended(pid)) break;
    const timespec moment = {0, 10'000'000};
    nanosleep(&moment, nullptr);
    child = fork_with(pid);
  }
  return child;
}

Error cannot_have(pid_t pid, int problem) {
  return Error{problem, "cannot have process id " + std::to_string(pid),
               problem == EINVAL
                   ? "kernel.pid_max is not above it: raise that, or build the profile again where "
                     "it is as small"
                   : "CAP_CHECKPOINT_RESTORE is needed"};
}

/// Goes on in a child with this pid; the calling process stands for it and ends as it does.
Result<void> continue_as(pid_t pid) {
  StandInSignals signals;
  THAW_TRY(signals.begin());
  PidNamespace none;
  const pid_t own = getpid();
  const long child = fork_when_free(pid);
  if (child > 0) stand_for(static_cast<pid_t>(child), signals.all(), none);
  const int problem = errno;
  if (child == 0) {
    is_stood_for = true;
    // SIGKILL of the stand-in, which is what the caller knows, must not leave the app behind.
    die_with(own);
    return {};
  }
  if (problem == EEXIST)
    return Error{problem, "--keep-pid: process id " + std::to_string(pid) + " is in use"};
  return cannot_have(pid, problem);
}

/// The same in a pid namespace, in which ids above `last` are nobody's.
Result<void> continue_in_namespace(pid_t pid, pid_t last, bool of_user) {
  StandInSignals signals;
  THAW_TRY(signals.begin());
  PidNamespace space;
  THAW_TRY(of_user ? space.make_of_user(pid) : space.make());
  const long child = of_user ? space.born() : fork_with(pid);
  if (child < 0) return cannot_have(pid, errno);
  if (child == 0) {
    is_stood_for = true;
    has_user_namespace = of_user;
    space.settle(last);
    return {};
  }
  if (auto settled = space.await_settled(); !settled) {
    kill(static_cast<pid_t>(child), SIGKILL);
    waitpid(static_cast<pid_t>(child), nullptr, 0);
    return settled;
  }
  stand_for(static_cast<pid_t>(child), signals.all(), space);
}

pid_t largest_id(const image::View& view) {
  uint32_t largest = 0;
  for (const model::Thread& thread : view.threads()) largest = std::max(largest, thread.tid);
  return static_cast<pid_t>(largest);
}

bool may_repeat(const image::View& view) {
  const auto processes = view.processes();
  return std::any_of(processes.begin(), processes.end(), [](const model::Process& process) {
    return (process.flags & model::kNeedsNewPid) != 0;
  });
}

}  // namespace

bool has_stand_in() {
  return is_stood_for;
}

bool is_in_user_namespace() {
  return has_user_namespace;
}

bool keeps_pid(const image::View& view, const ExecCall& call) {
  return call.keep_pid || (view.root_process().flags & model::kKeepPid) != 0;
}

Result<void> settle_pid(const image::View& view, const ExecCall& call) {
  if (keeps_pid(view, call) && !has_namespace(view) && view.processes().size() > 1)
    return Error{0, "the app has several processes, which cannot keep their ids",
                 "leave out --keep-pid: a launch corrects what they keep of their ids"};
  const auto pid = static_cast<pid_t>(view.root_process().pid);
  if (!keeps_pid(view, call)) {
    if (getpid() != pid) return {};
    return Error{0, "the caller has the very pid that the app had at the checkpoint, " +
                        std::to_string(pid) +
                        ": what tells processes apart by it would repeat its random numbers"};
  }
  if (may_repeat(view))
    return Error{
        0,
        "the app uses a library that repeats its random numbers in launches with one pid: an "
        "OpenSSL that is not of 1.1.1 or 3, libgcrypt, libbsd or libsodium",
        "leave out keep_pid, --keep-pid and launch.pids = \"namespace\": a launch corrects "
        "what the app keeps of its pid"};
  if (has_namespace(view))
    return continue_in_namespace(pid, largest_id(view), needs_user_namespace(view));
  if (getpid() == pid) return {};
  return continue_as(pid);
}

}  // namespace thaw::launch
