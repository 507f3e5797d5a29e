// Starts a launch, and holds back the first process that it makes, which compares inputs, until the
// launch waits for it.
//
//   late_helper go|kill THAW_EXEC [OPTIONS...] -- PROGRAM [ARGS...]
//
// It then goes on, or is killed. Ends as the program ends; with 3 where no such process was made.
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void need(bool good, const char* what) {
  if (good) return;
  perror(what);
  exit(2);
}

/// Whether `tid` is about to wait for `helper`.
static bool waits_for(pid_t tid, pid_t helper) {
  struct __ptrace_syscall_info info = {0};
  need(ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0, "info");
  return info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_wait4 &&
         (pid_t)info.entry.args[0] == helper;
}

int main(int argc, char** argv) {
  need(argc > 3, "usage: late_helper go|kill THAW_EXEC [OPTIONS...] -- PROGRAM [ARGS...]");
  const bool kills = strcmp(argv[1], "kill") == 0;
  const pid_t child = fork();
  need(child >= 0, "fork");
  if (child == 0) {
    need(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0, "traceme");
    raise(SIGSTOP);
    execv(argv[2], argv + 2);
    _exit(127);
  }
  int status = 0;
  need(waitpid(child, &status, 0) == child && WIFSTOPPED(status), "start");
  const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;
  need(ptrace(PTRACE_SETOPTIONS, child, 0, options) == 0, "options");
  pid_t helper = 0;
  bool held = true;
  for (pid_t tid = child;;) {
    const int event = status >> 16;
    int signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_CLONE && helper == 0) {
      unsigned long made = 0;
      need(ptrace(PTRACE_GETEVENTMSG, tid, 0, &made) == 0, "clone");
      helper = (pid_t)made;
    }
    if (signal == (SIGTRAP | 0x80) && helper != 0 && held && waits_for(tid, helper)) {
      held = false;
      // It may have been caught since it was made, or not yet.
      if (kills)
        kill(helper, SIGKILL);
      else
        ptrace(PTRACE_CONT, helper, 0, 0);
    }
    const bool is_stop =
        event != 0 || signal == SIGSTOP || signal == SIGTRAP || signal == (SIGTRAP | 0x80);
    if (!held)
      ptrace(PTRACE_CONT, tid, 0, is_stop ? 0 : signal);
    else if (tid != helper)
      ptrace(PTRACE_SYSCALL, tid, 0, is_stop ? 0 : signal);
    do {
      tid = waitpid(-1, &status, __WALL);
      need(tid > 0, "waitpid");
      if (tid == child && !WIFSTOPPED(status))
        return helper == 0 ? 3 : WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    } while (!WIFSTOPPED(status));
  }
}
