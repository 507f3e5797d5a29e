// Runs a program, and stops the first process that it makes before that does anything, as somebody outside may:
// stop_member PROGRAM [ARGS...]. Ends as the program does.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "harness.h"

int main(int argc, char** argv) {
  if (argc < 2) FAIL("usage: stop_member PROGRAM [ARGS...]");
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    NEED(raise(SIGSTOP));
    NEED(execv(argv[1], argv + 1));
  }
  int status = 0;
  NEED(waitpid(child, &status, WUNTRACED));
  NEED(ptrace(PTRACE_SEIZE, child, 0,
              PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK));
  NEED(kill(child, SIGCONT));
  // Its first stop may be seen before the event that tells of it.
  unsigned long first = 0;
  for (;;) {
    const pid_t pid = (pid_t)NEED(waitpid(-1, &status, __WALL));
    if (pid == child && !WIFSTOPPED(status)) break;
    if (!WIFSTOPPED(status)) continue;
    const int event = status >> 16;
    if (pid != child) {
      NEED(ptrace(PTRACE_DETACH, pid, 0, 0));
      continue;
    }
    if (event != 0 && event != PTRACE_EVENT_STOP && first == 0) {
      NEED(ptrace(PTRACE_GETEVENTMSG, child, 0, &first));
      NEED(kill((pid_t)first, SIGSTOP));
    }
    NEED(ptrace(PTRACE_CONT, pid, 0, event != 0 ? 0 : WSTOPSIG(status)));
  }
  if (first == 0) FAIL("the program has made no process");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
