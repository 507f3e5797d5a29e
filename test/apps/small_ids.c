// A number that happens to be the id of its thread, below 65536, where a thread that waits for a lock
// would hold its id: it is a size as well as not, and stays what it is.
#include <pthread.h>

#include "harness.h"

static pthread_barrier_t ready, released;

static void check_kept(const volatile uint32_t* size, uint32_t before) {
  CHECK_EQ("number on the stack", before, *size);
}

static void* wait_with_number(void* argument) {
  (void)argument;
  const volatile uint32_t size = (uint32_t)syscall(SYS_gettid);
  static uint32_t before;
  before = size;
  pthread_barrier_wait(&ready);
  pthread_barrier_wait(&released);
  check_kept(&size, before);
  return NULL;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const volatile uint32_t size = (uint32_t)getpid();
  static uint32_t before;
  before = size;
  if (size >= 1u << 16) SKIP("this pid is no small number");
  NEED0(pthread_barrier_init(&ready, NULL, 2));
  NEED0(pthread_barrier_init(&released, NULL, 2));
  pthread_t other;
  NEED0(pthread_create(&other, NULL, wait_with_number, NULL));
  pthread_barrier_wait(&ready);
  app_sleep_ms(50);  // It waits in the kernel.
  app_wait();

  check_kept(&size, before);
  pthread_barrier_wait(&released);
  NEED0(pthread_join(other, NULL));
  return 0;
}
