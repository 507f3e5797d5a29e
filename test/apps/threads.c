// Threads: TLS, names, signal masks, alternate stacks, ids that libc caches, and locks held across
// the restore.
#include <pthread.h>
#include <signal.h>

#include "harness.h"

enum { kThreads = 8, kAltStackSize = 64 * 1024 };

struct worker {
  pthread_t thread;
  int index;
  pthread_mutex_t robust;  ///< held by the worker while it is checkpointed
  pthread_mutex_t plain;   ///< held as well
  char* alternate;
  volatile sig_atomic_t handled_on_alternate;
};

static struct worker workers[kThreads];
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_open = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t all_set;
static bool released;

static _Thread_local int own_index = -1;
static _Thread_local char own_text[64];
static _Thread_local struct worker* own_worker;

static void on_signal(int signal) {
  (void)signal;
  char here;
  struct worker* worker = own_worker;
  worker->handled_on_alternate =
      &here >= worker->alternate && &here < worker->alternate + kAltStackSize;
}

static void check_ids(void) {
  pid_t tid = (pid_t)syscall(SYS_gettid);
  CHECK_EQ("gettid()", tid, gettid());
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
  CHECK(access(path, F_OK) == 0);
}

static void check_mutex_kinds(void) {
  pthread_mutexattr_t kind;
  pthread_mutex_t mutex;
  NEED0(pthread_mutexattr_init(&kind));
  NEED0(pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK));
  NEED0(pthread_mutex_init(&mutex, &kind));
  NEED0(pthread_mutex_lock(&mutex));
  CHECK_EQ("lock of a held errorcheck mutex", EDEADLK, pthread_mutex_lock(&mutex));
  NEED0(pthread_mutex_unlock(&mutex));
  CHECK_EQ("unlock of a free errorcheck mutex", EPERM, pthread_mutex_unlock(&mutex));
  NEED0(pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE));
  NEED0(pthread_mutex_init(&mutex, &kind));
  for (int i = 0; i < 3; i++) NEED0(pthread_mutex_lock(&mutex));
  for (int i = 0; i < 3; i++) NEED0(pthread_mutex_unlock(&mutex));
  CHECK_EQ("one unlock too many", EPERM, pthread_mutex_unlock(&mutex));
}

static void check_mask(int index) {
  sigset_t mask;
  NEED0(pthread_sigmask(SIG_SETMASK, NULL, &mask));
  for (int i = 0; i < kThreads; i++)
    CHECK_EQ("own blocked signal", i == index, sigismember(&mask, SIGRTMIN + i));
}

static void check_alternate(struct worker* worker) {
  stack_t stack;
  NEED(sigaltstack(NULL, &stack));
  CHECK(stack.ss_sp == worker->alternate);
  CHECK_EQ("size of the alternate stack", kAltStackSize, stack.ss_size);
  NEED0(pthread_kill(pthread_self(), SIGUSR1));
  CHECK_EQ("handler on the alternate stack", 1, worker->handled_on_alternate);
}

static void* work(void* argument) {
  struct worker* worker = argument;
  own_worker = worker;
  own_index = worker->index;
  snprintf(own_text, sizeof own_text, "text of thread %d", worker->index);
  char name[16], text[64];
  snprintf(name, sizeof name, "worker-%d", worker->index);
  NEED0(pthread_setname_np(pthread_self(), name));
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGRTMIN + worker->index);
  NEED0(pthread_sigmask(SIG_BLOCK, &mask, NULL));
  stack_t stack = {.ss_sp = worker->alternate, .ss_size = kAltStackSize};
  NEED(sigaltstack(&stack, NULL));
  NEED0(pthread_mutex_lock(&worker->robust));
  NEED0(pthread_mutex_lock(&worker->plain));

  NEED0(pthread_mutex_lock(&gate_lock));
  pthread_barrier_wait(&all_set);
  while (!released) NEED0(pthread_cond_wait(&gate_open, &gate_lock));
  NEED0(pthread_mutex_unlock(&gate_lock));

  CHECK_EQ("thread-local number", worker->index, own_index);
  snprintf(text, sizeof text, "text of thread %d", worker->index);
  CHECK_STR("thread-local text", text, own_text);
  NEED0(pthread_getname_np(pthread_self(), text, sizeof text));
  CHECK_STR("thread name", name, text);
  check_ids();
  check_mask(worker->index);
  check_alternate(worker);
  check_mutex_kinds();
  NEED0(pthread_mutex_unlock(&worker->plain));
  // The odd ones die with their lock: the kernel must find the thread's new id in it.
  if (worker->index % 2 == 0) NEED0(pthread_mutex_unlock(&worker->robust));
  return worker;
}

static void start(struct worker* worker, int index) {
  worker->index = index;
  worker->alternate = malloc(kAltStackSize);
  pthread_mutexattr_t robust;
  NEED0(pthread_mutexattr_init(&robust));
  NEED0(pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST));
  // musl tells the kernel only of locks that processes may share.
  NEED0(pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED));
  if (index % 4 < 2) NEED0(pthread_mutexattr_settype(&robust, PTHREAD_MUTEX_ERRORCHECK));
  NEED0(pthread_mutex_init(&worker->robust, &robust));
  NEED0(pthread_mutex_init(&worker->plain, NULL));
  NEED0(pthread_create(&worker->thread, NULL, work, worker));
}

static void finish(struct worker* worker) {
  void* result;
  NEED0(pthread_join(worker->thread, &result));
  CHECK(result == worker);
  int status = pthread_mutex_lock(&worker->robust);
  CHECK_EQ("lock of the thread's robust mutex", worker->index % 2 == 0 ? 0 : EOWNERDEAD, status);
  if (status == EOWNERDEAD) NEED0(pthread_mutex_consistent(&worker->robust));
  NEED0(pthread_mutex_unlock(&worker->robust));
  NEED0(pthread_mutex_lock(&worker->plain));
}

static void* answer(void* argument) {
  check_ids();
  check_mutex_kinds();
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  NEED(sigaction(SIGUSR1, &action, NULL));
  NEED0(pthread_barrier_init(&all_set, NULL, 2));
  for (int i = 0; i < kThreads; i++) {
    start(&workers[i], i);
    pthread_barrier_wait(&all_set);
  }
  app_wait();

  CHECK_EQ("main thread's id", getpid(), gettid());
  NEED0(pthread_mutex_lock(&gate_lock));
  released = true;
  NEED0(pthread_cond_broadcast(&gate_open));
  NEED0(pthread_mutex_unlock(&gate_lock));
  for (int i = 0; i < kThreads; i++) finish(&workers[i]);
  for (int i = 0; i < 32; i++) {
    pthread_t thread;
    void* result;
    NEED0(pthread_create(&thread, NULL, answer, &workers[0]));
    NEED0(pthread_join(thread, &result));
    CHECK(result == &workers[0]);
  }
  return 0;
}
