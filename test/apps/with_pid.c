// with_pid PID COMMAND...: runs the command with this pid, in a child, and ends as it does; 77 where
// that cannot be.
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  uint64_t pid = strtoull(argv[1], NULL, 10);
  enum { kExitSignal = 4, kSetTid = 8, kSetTidSize = 9, kFields = 10 };  // Of struct clone_args.
  uint64_t arguments[kFields] = {
      [kExitSignal] = SIGCHLD, [kSetTid] = (uintptr_t)&pid, [kSetTidSize] = 1};
  const long child = syscall(SYS_clone3, arguments, sizeof arguments);
  if (child == 0) {
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid((pid_t)child, &status, 0) < 0) return 77;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
