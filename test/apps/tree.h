// What apps of several processes share. Their processes know each other by pid, which a checkpoint
// finds in memory only where it is an unlikely number (docs/trees.md).
#pragma once

#include <sys/wait.h>

#include "harness.h"

static inline bool tree_is_telling(pid_t pid) {
  // No kernel of such a CPU has larger ones: there, each launch has those of the checkpoint.
  if (sizeof(long) == 4) return true;
  return pid >= 1 << 16 && __builtin_popcount((unsigned)pid) >= (pid % 2 != 0 ? 7 : 9);
}

enum { kUnluckyStatus = 78 };

/// As app_start(); ends at once where the app's own pid cannot be told: the driver starts it again.
static inline void tree_start(int argc, char** argv) {
  app_start(argc, argv);
  if (!tree_is_telling(getpid())) _exit(kUnluckyStatus);
}

/// fork(2) until the child's pid is an unlikely number.
static inline pid_t tree_fork(void) {
  enum { kTries = 200 };
  for (int i = 0; i < kTries; i++) {
    pid_t child = (pid_t)NEED(fork());
    if (child == 0 && tree_is_telling(getpid())) return 0;
    if (child == 0) _exit(0);
    if (tree_is_telling(child)) return child;
    NEED(waitpid(child, NULL, 0));
  }
  SKIP("no pid here is an unlikely number");
}

/// Waits until a child has ended, and what it has ended with.
static inline int tree_wait(pid_t child) {
  int status = 0;
  CHECK_EQ("pid of the child", child, NEED(waitpid(child, &status, 0)));
  return status;
}

/// The child has ended with `code`.
static inline void tree_expect_exit(const char* what, int code, pid_t child) {
  const int status = tree_wait(child);
  if (!WIFEXITED(status)) FAIL("%s, ended by signal %d", what, WTERMSIG(status));
  CHECK_EQ(what, code, WEXITSTATUS(status));
}

/// One byte through a pipe, for turns.
static inline void tree_say(int fd, char byte) {
  CHECK_EQ("bytes written", 1, NEED(write(fd, &byte, 1)));
}
static inline void tree_hear(int fd, char expected) {
  char byte = 0;
  ssize_t size;
  while ((size = read(fd, &byte, 1)) == -1 && errno == EINTR) {
  }
  CHECK_EQ("bytes read", 1, size);
  CHECK_EQ("byte read", expected, byte);
}

/// In a child: until the go file exists. It does not say that it is ready.
static inline void tree_wait_go(void) {
  while (!app_may_go()) app_sleep_ms(2);
}
