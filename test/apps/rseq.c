// Restartable sequences: each thread's registration with the kernel lives on.
#include <pthread.h>
#include <sched.h>

#include "harness.h"

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
#include <sys/rseq.h>

static pthread_barrier_t ready;

static volatile struct rseq* own(void) {
  return (volatile struct rseq*)((char*)__builtin_thread_pointer() + __rseq_offset);
}

/// The kernel writes the CPU's number into a registered area each time the thread comes back to
/// user space.
static void check(void) {
  cpu_set_t allowed, one;
  NEED(sched_getaffinity(0, sizeof allowed, &allowed));
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    NEED(sched_setaffinity(0, sizeof one, &one));
    CHECK_EQ("rseq cpu_id", cpu, (int)own()->cpu_id);
  }
  NEED(sched_setaffinity(0, sizeof allowed, &allowed));
}

static void* work(void* argument) {
  check();
  pthread_barrier_wait(&ready);
  while (!app_may_go()) app_sleep_ms(2);
  check();
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  if (__rseq_size == 0) SKIP("libc registered no rseq");
  enum { kThreads = 3 };
  pthread_t threads[kThreads];
  NEED0(pthread_barrier_init(&ready, NULL, kThreads + 1));
  for (int i = 0; i < kThreads; i++) NEED0(pthread_create(&threads[i], NULL, work, NULL));
  pthread_barrier_wait(&ready);
  check();
  app_wait();
  check();
  for (int i = 0; i < kThreads; i++) NEED0(pthread_join(threads[i], NULL));
  return 0;
}
#else
int main(int argc, char** argv) {
  app_start(argc, argv);
  SKIP("this libc has no rseq");
}
#endif
