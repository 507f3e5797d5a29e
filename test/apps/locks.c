// Locks that hold their owner's thread id, held across the restore by the main thread and by
// another one, with threads that wait for them.
//
//   locks STATUS GO SCRATCH KIND [small]
//
// small: in a child whose pid is below 64; SCRATCH/pid names it
#include <pthread.h>

#include "harness.h"
#include "small_pid.h"

enum { kOwners = 2, kWaiters = 2 };

/// One lock of the kind, held by one thread.
struct held {
  pthread_mutex_t mutex;
  pthread_rwlock_t rwlock;
  FILE* stream;
  pthread_t waiters[kWaiters];
  pthread_mutex_t counted;
  int entered;  ///< waiters that have had the lock; `counted` guards it
};

static struct held held[kOwners];
static bool is_rwlock, is_stream, is_recursive, is_checked;
static pthread_barrier_t taken, released;

static void take(struct held* lock) {
  if (is_stream)
    flockfile(lock->stream);
  else
    NEED0(is_rwlock ? pthread_rwlock_wrlock(&lock->rwlock) : pthread_mutex_lock(&lock->mutex));
}

static void give(struct held* lock) {
  if (is_stream)
    funlockfile(lock->stream);
  else
    NEED0(is_rwlock ? pthread_rwlock_unlock(&lock->rwlock) : pthread_mutex_unlock(&lock->mutex));
}

/// stdio takes the lock once more for it.
static void write_to(struct held* lock) {
  if (is_stream) CHECK(fputs("owner", lock->stream) >= 0);
}

/// Waits for the lock across the checkpoint, then is its owner as much as anybody.
static void* wait_for(void* argument) {
  struct held* lock = argument;
  take(lock);
  if (is_checked) CHECK_EQ("second lock", EDEADLK, pthread_mutex_lock(&lock->mutex));
  if (is_recursive) {
    take(lock);
    give(lock);
  }
  write_to(lock);
  NEED0(pthread_mutex_lock(&lock->counted));
  lock->entered++;
  NEED0(pthread_mutex_unlock(&lock->counted));
  give(lock);
  return NULL;
}

static void check_owned(struct held* lock) {
  write_to(lock);
  if (is_recursive) {
    take(lock);
    give(lock);
    give(lock);
  }
  if (is_checked) CHECK_EQ("second lock", EDEADLK, pthread_mutex_lock(&lock->mutex));
#ifdef __GLIBC__
  if (is_rwlock) CHECK_EQ("second write lock", EDEADLK, pthread_rwlock_wrlock(&lock->rwlock));
#endif
  give(lock);
  for (int i = 0; i < kWaiters; i++) NEED0(pthread_join(lock->waiters[i], NULL));
  CHECK_EQ("waiters that had the lock", kWaiters, lock->entered);
  take(lock);
  give(lock);
}

static void* own(void* argument) {
  struct held* lock = argument;
  take(lock);
  if (is_recursive) take(lock);
  pthread_barrier_wait(&taken);
  pthread_barrier_wait(&released);
  check_owned(lock);
  return NULL;
}

static void make(struct held* lock, const char* kind) {
  pthread_mutexattr_t attributes;
  NEED0(pthread_mutexattr_init(&attributes));
  if (strstr(kind, "recursive"))
    NEED0(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE));
  if (strstr(kind, "errorcheck"))
    NEED0(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK));
  if (strstr(kind, "robust")) NEED0(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
  if (strstr(kind, "inherit"))
    NEED0(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
  if (strstr(kind, "shared"))
    NEED0(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  NEED0(pthread_mutex_init(&lock->mutex, &attributes));
  NEED0(pthread_mutex_init(&lock->counted, NULL));
  NEED0(pthread_rwlock_init(&lock->rwlock, NULL));
  if (is_stream) CHECK((lock->stream = fopen("/dev/null", "w")) != NULL);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  if (argc > 5) become_small(argv, 5, 63);
  const char* kind = argv[4];
  is_rwlock = strstr(kind, "rwlock") != NULL;
  is_stream = strstr(kind, "stream") != NULL;
  is_recursive = is_stream || strstr(kind, "recursive") != NULL;
  is_checked = strstr(kind, "errorcheck") != NULL;
  NEED0(pthread_barrier_init(&taken, NULL, kOwners));
  NEED0(pthread_barrier_init(&released, NULL, kOwners));
  for (int i = 0; i < kOwners; i++) make(&held[i], kind);
  take(&held[0]);
  if (is_recursive) take(&held[0]);
  pthread_t other;
  NEED0(pthread_create(&other, NULL, own, &held[1]));
  pthread_barrier_wait(&taken);
  for (int i = 0; i < kOwners; i++)
    for (int n = 0; n < kWaiters; n++)
      NEED0(pthread_create(&held[i].waiters[n], NULL, wait_for, &held[i]));
  app_sleep_ms(50);  // All of them wait in the kernel.
  app_wait();

  pthread_barrier_wait(&released);
  check_owned(&held[0]);
  NEED0(pthread_join(other, NULL));
  return 0;
}
