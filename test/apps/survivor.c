// Threads that check their own registers and memory all the time: a process that was left with
// another's registers, or with a call of somebody else's, notices. Its main thread answers by
// making the status file again. The argument says how many MiB it holds.
#include <pthread.h>
#include <sys/syscall.h>

#include "harness.h"

enum { kThreads = 5 };

static volatile bool over;

/// Computes the same number again and again, in registers only.
static void* compute(void* argument) {
  uint64_t seed = (uint64_t)(uintptr_t)argument, expected = seed;
  for (int i = 0; i < 1000; i++) expected = app_mix(expected);
  while (!over) {
    uint64_t value = seed;
    for (int i = 0; i < 1000; i++) value = app_mix(value);
    if (value != expected)
      FAIL("number, expected %llx, got %llx", (unsigned long long)expected,
           (unsigned long long)value);
    // Lets the machine do something else: the point is to be hit now here, now in a call.
    if (seed % 2 == 0) app_sleep_ms(1);
  }
  return argument;
}

/// Calls the kernel all the time; each result is known.
static void* call(void* argument) {
  int pipes[2];
  NEED(pipe2(pipes, O_CLOEXEC));
  for (uint64_t sent = 1; !over; sent++) {
    uint64_t received = 0;
    CHECK_EQ("write", sizeof sent, write(pipes[1], &sent, sizeof sent));
    CHECK_EQ("read", sizeof received, read(pipes[0], &received, sizeof received));
    CHECK_EQ("number through a pipe", sent, received);
    CHECK_EQ("getpid()", getpid(), syscall(SYS_getpid));
    if (sent % 64 == 0) app_sleep_ms(1);
  }
  close(pipes[0]);
  close(pipes[1]);
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t size = (argc > 4 ? (size_t)atol(argv[4]) : 4) << 20;
  char* area = app_map(size);
  app_fill(area, size, 301);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; i++)
    NEED0(pthread_create(&threads[i], NULL, i < 3 ? compute : call, (void*)(uintptr_t)(1000 + i)));
  app_wait();
  over = true;
  for (int i = 0; i < kThreads; i++) NEED0(pthread_join(threads[i], NULL));
  app_check_fill("memory", area, size, 301);
  return 0;
}
