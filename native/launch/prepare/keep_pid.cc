#include "launch/prepare/keep_pid.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/end_as.h"
#include "support/file.h"
#include "support/silent_child.h"

namespace thaw::launch {
namespace {

bool is_stood_for = false;

void follow(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, WNOHANG | WUNTRACED | WCONTINUED) == child) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) end_as(static_cast<uint32_t>(status));
    if (!WIFSTOPPED(status)) continue;
    raise(SIGSTOP);  // The shell sees its job stop; it continues us, we continue the app.
    kill(child, SIGCONT);
  }
}

[[noreturn]] void stand_for(pid_t child, const sigset_t& all) {
  for (;;) {
    siginfo_t info = {};
    const int number = sigwaitinfo(&all, &info);
    if (number < 0) continue;
    if (number == SIGCHLD) follow(child);
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

/// Goes on in a child with this pid; the calling process stands for it and ends as it does.
Result<void> continue_as(pid_t pid) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  // Who ignores it gets no word of a child's end, and no status.
  struct sigaction callers = {}, usual = {};
  usual.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &usual, &callers);
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<uintptr_t>(&pid);
  arguments.set_tid_size = 1;
  const pid_t own = getpid();
  long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
  // An instance that was killed a moment ago has it until its memory is gone and its last parent has
  // taken its status.
  constexpr int kTries = 200, kTriesOfLiving = 30;
  for (int i = 0; i < kTries && child < 0 && errno == EEXIST; ++i) {
    if (i >= kTriesOfLiving && !has_ended(pid)) break;
    const timespec moment = {0, 10'000'000};
    nanosleep(&moment, nullptr);
    child = syscall(SYS_clone3, &arguments, sizeof(arguments));
  }
  if (child > 0) stand_for(static_cast<pid_t>(child), all);
  const int problem = errno;
  if (child == 0) {
    is_stood_for = true;
    // SIGKILL of the stand-in, which is what the caller knows, must not leave the app behind.
    die_with(own);
  }
  sigaction(SIGCHLD, &callers, nullptr);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (child == 0) return {};
  if (problem == EEXIST)
    return Error{problem, "--keep-pid: process id " + std::to_string(pid) + " is in use"};
  return Error{problem, "--keep-pid: cannot have process id " + std::to_string(pid),
               problem == EINVAL ? "kernel.pid_max is not above it: raise that, or set "
                                   "launch.keep_pid = true in the profile and build it again"
                                 : "CAP_CHECKPOINT_RESTORE is needed"};
}

}  // namespace

bool has_stand_in() {
  return is_stood_for;
}

bool keeps_pid(const image::View& view, const ExecCall& call) {
  return call.keep_pid || (view.root_process().flags & model::kKeepPid) != 0;
}

Result<void> settle_pid(const image::View& view, const ExecCall& call) {
  if (keeps_pid(view, call) && view.processes().size() > 1)
    return Error{0, "the app has several processes, which cannot keep their ids",
                 "leave out --keep-pid: a launch corrects what they keep of their ids"};
  const auto pid = static_cast<pid_t>(view.root_process().pid);
  if (!keeps_pid(view, call)) {
    if (getpid() != pid) return {};
    return Error{0, "the caller has the very pid that the app had at the checkpoint, " +
                        std::to_string(pid) +
                        ": what tells processes apart by it would repeat its random numbers"};
  }
  if ((view.root_process().flags & model::kNeedsNewPid) != 0)
    return Error{
        0,
        "the app uses a library that repeats its random numbers in launches with one pid: an "
        "OpenSSL that is not of 1.1.1 or 3, libgcrypt, libbsd or libsodium",
        "leave out keep_pid and --keep-pid: a launch corrects what the app keeps of its pid"};
  if (getpid() == pid) return {};
  return continue_as(pid);
}

}  // namespace thaw::launch
