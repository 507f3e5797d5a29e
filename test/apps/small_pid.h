// A process with a small id, which may stand in memory by chance.
#pragma once

#include <signal.h>
#include <sys/wait.h>

#include "harness.h"

/// Goes on in a child with a pid of at most `most`, and ends as it does. The child is executed anew, without the argument at
/// `last`: libc shall know its id. SCRATCH/pid names it.
static inline void become_small(char** argv, int last, uint64_t most) {
  uint64_t wanted = most;
  enum { kExitSignal = 4, kSetTid = 8, kSetTidSize = 9, kFields = 10 };  // Of struct clone_args.
  uint64_t arguments[kFields] = {
      [kExitSignal] = SIGCHLD, [kSetTid] = (uintptr_t)&wanted, [kSetTidSize] = 1};
  long child = -1;
  for (; child < 0 && wanted > 1; wanted--) {
    child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) {
      char path[512];
      snprintf(path, sizeof path, "%s/pid", app_scratch);
      FILE* file = fopen(path, "w");
      if (file == NULL || fprintf(file, "%ld", syscall(SYS_getpid)) < 0 || fclose(file) != 0)
        _exit(1);
      argv[last] = NULL;
      execv("/proc/self/exe", argv);
      _exit(1);
    }
    if (child < 0 && errno != EEXIST) SKIP("no pid can be chosen: %s", strerror(errno));
  }
  if (child < 0) SKIP("all small pids are taken");
  int status = 0;
  NEED(waitpid((pid_t)child, &status, 0));
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}
