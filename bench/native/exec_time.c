// Measures how long a program takes from just before fork() until it has ended.
//
//   exec_time COUNT COMMAND ARGS...
//
// Runs COMMAND as often as COUNT says and prints each time in nanoseconds on a line. The program's
// output goes to /dev/null. Exit code: 0, or 1 with a message if it cannot be run or does not end
// with 0.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

static int64_t run_once(char** command, int null) {
  int64_t start = now_ns();
  pid_t child = fork();
  if (child == 0) {
    dup2(null, 1);
    execv(command[0], command);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  int64_t end = now_ns();
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? end - start : -1;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fputs("usage: exec_time COUNT COMMAND ARGS...\n", stderr);
    return 1;
  }
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = atoi(argv[1]); i > 0; i--) {
    int64_t elapsed = run_once(argv + 2, null);
    if (elapsed < 0) {
      fprintf(stderr, "exec_time: %s: failed\n", argv[2]);
      return 1;
    }
    printf("%lld\n", (long long)elapsed);
  }
  return 0;
}
