// A thread with a small id waits for a lock that it will own.
//
//   locks_waiter STATUS GO SCRATCH [small]
#include <pthread.h>

#include "small_pid.h"

static pthread_mutex_t mutex;
static pthread_barrier_t taken;

static void* own(void* argument) {
  NEED0(pthread_mutex_lock(&mutex));
  pthread_barrier_wait(&taken);
  app_sleep_ms(50);  // The other one waits in the kernel.
  app_wait();
  NEED0(pthread_mutex_unlock(&mutex));
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  // What looks like a lock is refused below 64 for its owner's id.
  if (argc > 4) become_small(argv, 4, 255);
  pthread_mutexattr_t attributes;
  NEED0(pthread_mutexattr_init(&attributes));
  NEED0(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK));
  NEED0(pthread_mutex_init(&mutex, &attributes));
  NEED0(pthread_barrier_init(&taken, NULL, 2));
  pthread_t owner;
  NEED0(pthread_create(&owner, NULL, own, NULL));
  pthread_barrier_wait(&taken);
  NEED0(pthread_mutex_lock(&mutex));
  CHECK_EQ("second lock", EDEADLK, pthread_mutex_lock(&mutex));
  NEED0(pthread_mutex_unlock(&mutex));
  NEED0(pthread_join(owner, NULL));
  return 0;
}
