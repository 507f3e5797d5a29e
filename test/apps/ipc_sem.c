// System V semaphores under a key (the first argument, in hexadecimal, and the user's id): their values, and threads that
// wait for them by semop(2) and semtimedop(2). With "remove" the set goes at the end, and each launch has to make it again; with "tell" it says so as well.
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "harness.h"
#include "ipc_key.h"

enum { kLock, kNeverUsed, kAwaited, kAwaitedLong, kCount };

union argument {
  int value;
  struct semid_ds* status;
  unsigned short* values;
};

static const unsigned short kInitial[kCount] = {7, 20000, 0, 0};
static int id;

static int value(int number) {
  return (int)NEED(semctl(id, number, GETVAL));
}

/// How often a call has ended with EINTR: in an app that runs on after its checkpoint it does, and on AArch64 after a launch
/// (as after a stop signal, signal(7)).
static int interrupted;

static bool is_interrupted(void) {
  if (errno != EINTR) return false;
  __atomic_add_fetch(&interrupted, 1, __ATOMIC_SEQ_CST);
  return true;
}

static void* await(void* unused) {
  (void)unused;
  int result;
  while ((result = semop(id, &(struct sembuf){kAwaited, -1, 0}, 1)) != 0 && is_interrupted()) {
  }
  NEED(result);
  return NULL;
}

static void* await_long(void* unused) {
  (void)unused;
  int result;
  const struct timespec long_time = {.tv_sec = 3600};
  while ((result = semtimedop(id, &(struct sembuf){kAwaitedLong, -1, 0}, 1, &long_time)) != 0 &&
         is_interrupted()) {
  }
  NEED(result);
  return NULL;
}

static void remove_old(key_t key) {
  const int old = semget(key, 0, 0);
  if (old != -1) NEED(semctl(old, 0, IPC_RMID));
}

static void await_waiters(void) {
  while (semctl(id, kAwaited, GETNCNT) != 1 || semctl(id, kAwaitedLong, GETNCNT) != 1)
    app_sleep_ms(2);
}

static pthread_t waiter, long_waiter;

static void start_waiters(void) {
  NEED0(pthread_create(&waiter, NULL, await, NULL));
  NEED0(pthread_create(&long_waiter, NULL, await_long, NULL));
  await_waiters();
}

static void wake_waiters(void) {
  await_waiters();
  NEED(semop(id, &(struct sembuf){kAwaited, 1, 0}, 1));
  NEED0(pthread_join(waiter, NULL));
  NEED(semop(id, &(struct sembuf){kAwaitedLong, 1, 0}, 1));
  NEED0(pthread_join(long_waiter, NULL));
}

/// A cold start that finds what a launch has left: it ends with an error.
static void tell_cold(key_t key) {
  const int made = (int)NEED(semget(key, kCount, IPC_CREAT | IPC_EXCL | 0640));
  NEED(semctl(made, 0, IPC_RMID));
  NEED(write(1, "cold\n", 5));
  _exit(0);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const key_t key = ipc_key(argc, argv);
  const bool removes = argc > 5, tells = removes && strcmp(argv[5], "tell") == 0;
  if (tells && app_may_go()) tell_cold(key);
  remove_old(key);
  id = (int)NEED(semget(key, kCount, IPC_CREAT | IPC_EXCL | 0640));
  NEED(semctl(id, 0, SETALL, (union argument){.values = (unsigned short*)kInitial}));
  NEED(semop(id, &(struct sembuf){kLock, -2, 0}, 1));
  if (!tells) start_waiters();
  app_wait();

  CHECK_EQ("id of the key", id, semget(key, 0, 0));
  struct semid_ds status;
  NEED(semctl(id, 0, IPC_STAT, (union argument){.status = &status}));
  CHECK_EQ("semaphores", kCount, status.sem_nsems);
  CHECK_EQ("permissions", 0640, status.sem_perm.mode & 0777);
  CHECK_EQ("owner", getuid(), status.sem_perm.uid);
  CHECK(status.sem_otime != 0);
  CHECK_EQ("value", 5, value(kLock));
  CHECK_EQ("value of a semaphore that nobody has used", 20000, value(kNeverUsed));
  if (!tells) wake_waiters();
  CHECK_EQ("value that a thread waited for", 0, value(kAwaited));
  CHECK_EQ("value that the other waited for", 0, value(kAwaitedLong));
  const char* expected = app_expected("interrupted");
#ifndef __aarch64__
  if (expected != NULL) CHECK_STR("interrupted calls", "0", interrupted == 0 ? "0" : "some");
#endif
  (void)expected;
  // As the next launch expects it.
  if (tells) NEED(write(1, "warm\n", 5));
  if (removes) NEED(semctl(id, 0, IPC_RMID));
  return 0;
}
