#include "launch/prepare/keep_pid.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace thaw::launch {
namespace {

/// Ends this process as the child ended, without a second core dump.
[[noreturn]] void end_as(int status) {
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  raise(number);
  sigprocmask(SIG_UNBLOCK, &one, nullptr);
  _exit(128 + number);
}

void follow(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, WNOHANG | WUNTRACED | WCONTINUED) == child) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) end_as(status);
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

}  // namespace

Result<void> continue_as(pid_t pid) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<uintptr_t>(&pid);
  arguments.set_tid_size = 1;
  const long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (child > 0) stand_for(static_cast<pid_t>(child), all);
  const int problem = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (child == 0) return {};
  if (problem == EEXIST)
    return Error{problem, "--keep-pid: process id " + std::to_string(pid) + " is in use"};
  return Error{problem, "--keep-pid: cannot have process id " + std::to_string(pid),
               "CAP_CHECKPOINT_RESTORE is needed"};
}

}  // namespace thaw::launch
