// Handlers of pthread_atfork(3): a launch calls those that only note a fork, before any thread runs.
#include <pthread.h>

#include "harness.h"

static int noted, logged, prepared;
static volatile int seen_by_thread = -1;

static void note(void) {
  noted++;
}

/// It does more than that.
static void log_fork(void) {
  logged++;
  if (write(-1, "", 0) == 0) abort();
}

static void prepare(void) {
  prepared++;
}

static void* work(void* argument) {
  while (!noted) app_sleep_ms(1);
  seen_by_thread = noted;
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
#ifndef __GLIBC__
  SKIP("only glibc's list of handlers is known");
#endif
  NEED0(pthread_atfork(NULL, NULL, note));
  NEED0(pthread_atfork(NULL, NULL, log_fork));
  NEED0(pthread_atfork(prepare, note, note));
  pthread_t other;
  NEED0(pthread_create(&other, NULL, work, NULL));
  const int inverted = ~getpid();  // Not to be taken for a pid, and corrected.
  app_wait();
  if (getpid() == ~inverted) return 0;  // The app that was left running.
  CHECK(noted >= 1);                    // An image of a launched app notes one more.
  CHECK_EQ("calls of one that does more", 0, logged);
  CHECK_EQ("calls of one for before a fork", 0, prepared);
  NEED0(pthread_join(other, NULL));
  CHECK(seen_by_thread >= 1);
  return 0;
}
