// System V semaphores of several processes (the key is the first argument, in hexadecimal, and the user's id): each waits for
// its turn, and the set goes at the end, so that each launch makes it again; with "keep" it stays.
#include <sys/ipc.h>
#include <sys/sem.h>

#include "ipc_key.h"
#include "tree.h"

enum { kWorkers = 3 };

static int id;

static void change(int number, int by) {
  int result;
  while ((result = semop(id, &(struct sembuf){(unsigned short)number, (short)by, 0}, 1)) != 0 &&
         errno == EINTR) {
  }
  NEED(result);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  const key_t key = ipc_key(argc, argv);
  const bool keeps = argc > 5 && strcmp(argv[5], "keep") == 0;
  const int old = semget(key, 0, 0);
  if (old != -1) NEED(semctl(old, 0, IPC_RMID));
  id = (int)NEED(semget(key, kWorkers + 1, IPC_CREAT | IPC_EXCL | 0600));
  unsigned short none[kWorkers + 1] = {0};
  NEED(semctl(id, 0, SETALL, none));
  pid_t workers[kWorkers];
  for (int i = 0; i < kWorkers; i++) {
    workers[i] = tree_fork();
    if (workers[i] != 0) continue;
    change(i, -1);
    change(i + 1, 1);  // The next one's, at last the root's.
    _exit(10 + i);
  }
  for (int i = 0; i < kWorkers; i++)
    while (NEED(semctl(id, i, GETNCNT)) != 1) app_sleep_ms(2);
  app_wait();

  CHECK_EQ("id of the key", id, semget(key, 0, 0));
  for (int i = 0; i < kWorkers; i++)
    while (NEED(semctl(id, i, GETNCNT)) != 1) app_sleep_ms(2);
  change(0, 1);
  change(kWorkers, -1);
  for (int i = 0; i < kWorkers; i++)
    tree_expect_exit("exit status of a worker", 10 + i, workers[i]);
  if (!keeps) NEED(semctl(id, 0, IPC_RMID));
  return 0;
}
