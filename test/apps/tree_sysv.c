// System V shared memory of several processes: with a key (the first argument, in hexadecimal, and the user's id), and
// removed while it is attached; inherited by fork(2), detached by one that keeps the id, attached by members alone and
// at other places, left by one that has ended.
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "ipc_key.h"
#include "tree.h"

enum { kSize = 5 << 12, kWorkers = 3 };

struct Shared {
  pthread_mutex_t mutex;
  pthread_cond_t turned;
  int turn, ready;
  pid_t worker[kWorkers];
  unsigned word;  ///< the last worker's id in the manner of futex(2), with waiters
};

static key_t key;
static int id;
static int left_id;  ///< made, filled and left by a process that has ended: nobody has it attached
static struct Shared* shared;  ///< with the key
static char* removed;
static char* of_members;  ///< removed as well; the root has detached it
static pid_t worker[kWorkers];

static void make_shared(void) {
  id = (int)NEED(shmget(key, kSize, IPC_CREAT | IPC_EXCL | 0600));
  shared = NEED_MAP(shmat(id, NULL, 0));
  pthread_mutexattr_t mutex;
  NEED0(pthread_mutexattr_init(&mutex));
  NEED0(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED));
  NEED0(pthread_mutexattr_settype(&mutex, PTHREAD_MUTEX_ERRORCHECK));
  NEED0(pthread_mutex_init(&shared->mutex, &mutex));
  pthread_condattr_t condition;
  NEED0(pthread_condattr_init(&condition));
  NEED0(pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED));
  NEED0(pthread_cond_init(&shared->turned, &condition));
}

static char* make_removed(int number) {
  int made = (int)NEED(shmget(IPC_PRIVATE, kSize, IPC_CREAT | 0600));
  char* memory = NEED_MAP(shmat(made, NULL, 0));
  NEED(shmctl(made, IPC_RMID, NULL));
  app_fill(memory, kSize, number);
  return memory;
}

enum { kLeft = 0x100000 };  ///< between the two keys

/// With whole pages and a part of one, of which one is empty.
static void leave(void) {
  int made = (int)NEED(shmget(key + kLeft, kSize + 100, IPC_CREAT | IPC_EXCL | 0600));
  char* memory = NEED_MAP(shmat(made, NULL, 0));
  app_fill(memory + 4096, kSize - 4096, 7);
  memcpy(memory + kSize, "the end", 8);
  NEED(shmdt(memory));
}

static void check_left(void) {
  CHECK_EQ("id of the key", left_id, shmget(key + kLeft, 0, 0));
  char* memory = NEED_MAP(shmat(left_id, NULL, 0));
  app_check_zero("empty page of what was left", memory, 4096);
  app_check_fill("what was left", memory + 4096, kSize - 4096, 7);
  CHECK_STR("the end of what was left", "the end", memory + kSize);
  NEED(shmdt(memory));
}

static void take_turn(int turn) {
  NEED0(pthread_mutex_lock(&shared->mutex));
  shared->turn = turn;
  NEED0(pthread_cond_broadcast(&shared->turned));
  NEED0(pthread_mutex_unlock(&shared->mutex));
}

static void await_turn(int turn) {
  NEED0(pthread_mutex_lock(&shared->mutex));
  while (shared->turn < turn) NEED0(pthread_cond_wait(&shared->turned, &shared->mutex));
  NEED0(pthread_mutex_unlock(&shared->mutex));
}

static void tell_ready(int number) {
  NEED0(pthread_mutex_lock(&shared->mutex));
  shared->worker[number] = getpid();
  ++shared->ready;
  NEED0(pthread_cond_broadcast(&shared->turned));
  NEED0(pthread_mutex_unlock(&shared->mutex));
}

/// Has what fork(2) has left it.
static void inherit(void) {
  tell_ready(0);
  await_turn(1);
  CHECK_EQ("own pid", getpid(), shared->worker[0]);
  app_check_fill("what the root wrote", removed, kSize, 5);
  app_check_fill("memory of members", of_members, kSize, 2);
  app_fill(of_members, kSize, 6);
  take_turn(2);
  await_turn(4);
  _exit(10);
}

/// Keeps the id alone, and a pipe to be told by.
static void keep_id(int told) {
  tell_ready(1);
  NEED(shmdt(removed));
  NEED(shmdt(of_members));
  NEED(shmdt(shared));
  char byte;
  NEED(read(told, &byte, 1));
  CHECK_EQ("id of the key", id, shmget(key, 0, 0));
  shared = NEED_MAP(shmat(id, NULL, 0));
  CHECK_EQ("own pid", getpid(), shared->worker[1]);
  check_left();
  take_turn(3);
  await_turn(4);
  _exit(11);
}

/// Has it at another place, once more for reading, and a part of it protected.
static void attach(void) {
  const struct Shared* before = shared;
  struct Shared* moved = NEED_MAP(shmat(id, NULL, 0));
  const struct Shared* read_only = NEED_MAP(shmat(id, NULL, SHM_RDONLY));
  NEED(mprotect((char*)moved + 4096, 4096, PROT_READ));
  NEED(shmdt(before));
  shared = moved;
  shared->word = (unsigned)getpid() | 0x80000000u;
  tell_ready(2);
  await_turn(1);
  CHECK_EQ("own pid", getpid(), read_only->worker[2]);
  CHECK_EQ("own id as a futex word", (unsigned)getpid() | 0x80000000u, read_only->word);
  CHECK_EQ("mapping for reading made writable", -1,
           mprotect((void*)read_only, 4096, PROT_READ | PROT_WRITE));
  await_turn(2);
  app_check_fill("what another member wrote", of_members, kSize, 6);
  await_turn(4);
  _exit(12);
}

/// The root's, the first worker's, and two of the last one's, of which one is in three pieces.
enum { kMappings = 6 };

static unsigned long mappings(void) {
  struct shmid_ds status;
  NEED(shmctl(id, IPC_STAT, &status));
  return status.shm_nattch;
}

/// Workers may have said that they are ready a moment before they are.
static void await_mappings(void) {
  while (mappings() != kMappings) app_sleep_ms(2);
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  key = ipc_key(argc, argv);
  make_shared();
  removed = make_removed(1);
  of_members = make_removed(2);
  pid_t leaver = tree_fork();
  if (leaver == 0) {
    leave();
    _exit(0);
  }
  tree_expect_exit("exit status of who leaves memory", 0, leaver);
  left_id = (int)NEED(shmget(key + kLeft, 0, 0));
  int told[2];
  NEED(pipe(told));
  for (int i = 0; i < kWorkers; i++) {
    worker[i] = tree_fork();
    if (worker[i] != 0) continue;
    if (i == 0) inherit();
    if (i == 1) keep_id(told[0]);
    attach();
  }
  NEED(shmdt(of_members));
  NEED0(pthread_mutex_lock(&shared->mutex));
  while (shared->ready < kWorkers) NEED0(pthread_cond_wait(&shared->turned, &shared->mutex));
  NEED0(pthread_mutex_unlock(&shared->mutex));
  await_mappings();
  app_wait();

  for (int i = 0; i < kWorkers; i++) CHECK_EQ("pid of a worker", worker[i], shared->worker[i]);
  struct shmid_ds status;
  CHECK_EQ("id of the key", id, shmget(key, 0, 0));
  NEED(shmctl(id, IPC_STAT, &status));
  CHECK_EQ("size", kSize, status.shm_segsz);
  CHECK_EQ("mappings", kMappings, mappings());
  app_check_fill("removed memory", removed, kSize, 1);
  app_fill(removed, kSize, 5);
  take_turn(1);
  await_turn(2);
  NEED(write(told[1], "x", 1));
  await_turn(3);
  take_turn(4);
  for (int i = 0; i < kWorkers; i++) tree_expect_exit("exit status of a worker", 10 + i, worker[i]);
  CHECK_EQ("mappings that are left", 1, mappings());
  check_left();
  NEED(shmctl(left_id, IPC_RMID, NULL));
  NEED(shmctl(id, IPC_RMID, NULL));
  return 0;
}
