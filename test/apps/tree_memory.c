// Memory that processes share: anonymous, of a memfd, with locks and futexes of several processes in it; and memory
// that they shared before one of them wrote to it.
#include <pthread.h>
#include <sys/prctl.h>

#include "tree.h"

enum { kSize = 1 << 20 };

struct Shared {
  pthread_mutex_t plain, checked, robust;
  pthread_cond_t turned;
  pthread_barrier_t barrier;
  int turn;
  pid_t holder;
  unsigned word;  ///< the holder's id in the manner of futex(2), with waiters
  clockid_t clock;
};

static struct Shared* shared;
static char* of_memfd;
static char* own;

static void make_mutex(pthread_mutex_t* mutex, int type, int robust) {
  pthread_mutexattr_t attributes;
  NEED0(pthread_mutexattr_init(&attributes));
  NEED0(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  NEED0(pthread_mutexattr_settype(&attributes, type));
  NEED0(pthread_mutexattr_setrobust(&attributes, robust));
  NEED0(pthread_mutex_init(mutex, &attributes));
}

static void make_shared(void) {
  shared = NEED_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  make_mutex(&shared->plain, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
  make_mutex(&shared->checked, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
  make_mutex(&shared->robust, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
  pthread_condattr_t attributes;
  NEED0(pthread_condattr_init(&attributes));
  NEED0(pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  NEED0(pthread_cond_init(&shared->turned, &attributes));
  pthread_barrierattr_t together;
  NEED0(pthread_barrierattr_init(&together));
  NEED0(pthread_barrierattr_setpshared(&together, PTHREAD_PROCESS_SHARED));
  NEED0(pthread_barrier_init(&shared->barrier, &together, 2));
  app_fill((char*)shared + kSize / 2, kSize / 2, 1);
}

static void take_turn(int turn) {
  NEED0(pthread_mutex_lock(&shared->plain));
  shared->turn = turn;
  NEED0(pthread_cond_broadcast(&shared->turned));
  NEED0(pthread_mutex_unlock(&shared->plain));
}

static void await_turn(int turn) {
  NEED0(pthread_mutex_lock(&shared->plain));
  while (shared->turn < turn) NEED0(pthread_cond_wait(&shared->turned, &shared->plain));
  NEED0(pthread_mutex_unlock(&shared->plain));
}

static void child(void) {
  app_check_fill("memory of before the fork", own, kSize / 2, 3);
  app_fill(own, kSize / 2, 4);
  NEED0(pthread_mutex_lock(&shared->checked));
  NEED0(pthread_mutex_lock(&shared->robust));
  shared->holder = getpid();
  shared->word = (unsigned)getpid() | 0x80000000u;
  NEED0(clock_getcpuclockid(getpid(), &shared->clock));
  pthread_barrier_wait(&shared->barrier);
  await_turn(1);  // Here it is checkpointed.
  CHECK_EQ("holder of the locks", getpid(), shared->holder);
  CHECK_EQ("holder of the word", (unsigned)getpid() | 0x80000000u, shared->word);
  struct timespec used;
  NEED(clock_gettime(shared->clock, &used));
  app_check_fill("shared memory", (char*)shared + kSize / 2, kSize / 2, 5);
  app_check_fill("memory of a memfd", of_memfd, kSize, 6);
  app_check_fill("memory that the child wrote", own, kSize / 2, 4);
  app_check_fill("memory that nobody wrote", own + kSize / 2, kSize / 2, 3);
  NEED0(pthread_mutex_unlock(&shared->checked));
  take_turn(2);
  await_turn(3);
  _exit(42);  // With the robust lock.
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  make_shared();
  int memfd = (int)NEED(memfd_create("tree", MFD_CLOEXEC));
  NEED(ftruncate(memfd, kSize));
  of_memfd = NEED_MAP(mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0));
  own = app_map(kSize);
  app_fill(own, kSize / 2, 3);
  app_fill(own + kSize / 2, kSize / 2, 3);
  app_fill(of_memfd, kSize, 2);
  pid_t worker = tree_fork();
  if (worker == 0) child();
  pthread_barrier_wait(&shared->barrier);
  app_wait();
  CHECK_EQ("holder of the locks", worker, shared->holder);
  app_check_fill("shared memory", (char*)shared + kSize / 2, kSize / 2, 1);
  app_check_fill("memory of a memfd", of_memfd, kSize, 2);
  app_check_fill("memory of before the fork", own, kSize / 2, 3);
  app_check_fill("memory of before the fork", own + kSize / 2, kSize / 2, 3);
  CHECK_EQ("lock that the child holds", EBUSY, pthread_mutex_trylock(&shared->checked));
  CHECK_EQ("robust lock that the child holds", EBUSY, pthread_mutex_trylock(&shared->robust));
  app_fill((char*)shared + kSize / 2, kSize / 2, 5);
  app_fill(of_memfd, kSize, 6);
  take_turn(1);
  await_turn(2);
  NEED0(pthread_mutex_lock(&shared->checked));
  NEED0(pthread_mutex_unlock(&shared->checked));
  take_turn(3);
  CHECK_EQ("lock of a process that has ended", EOWNERDEAD, pthread_mutex_lock(&shared->robust));
  tree_expect_exit("exit status of the child", 42, worker);
  return 0;
}
