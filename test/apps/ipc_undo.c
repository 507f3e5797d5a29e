// Semaphores under a key (the first argument, in hexadecimal, and the user's id), and a thread, so that the kernel has made a
// list of undos: empty, or with "undo" not.
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "harness.h"
#include "ipc_key.h"

static void* nothing(void* unused) {
  return unused;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const key_t key = ipc_key(argc, argv);
  const char* change = argc > 5 ? argv[5] : "0";
  const int old = semget(key, 0, 0);
  if (old != -1) NEED(semctl(old, 0, IPC_RMID));
  const int id = (int)NEED(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
  NEED(semop(id, &(struct sembuf){1, 9, 0}, 1));
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, nothing, NULL));
  NEED0(pthread_join(thread, NULL));
  const short by = (short)atoi(change);
  if (by != 0) NEED(semop(id, &(struct sembuf){1, by, SEM_UNDO}, 1));
  if (by != 0 && argc > 6) NEED(semop(id, &(struct sembuf){1, (short)-by, SEM_UNDO}, 1));
  app_wait();
  CHECK_EQ("value", argc > 6 ? 9 : 9 + by, semctl(id, 1, GETVAL));
  NEED(semctl(id, 0, IPC_RMID));
  return 0;
}
