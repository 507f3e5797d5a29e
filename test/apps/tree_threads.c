// Children with threads of their own: locks that they hold, thread ids, and a child that a thread has made.
#include <pthread.h>
#include <signal.h>

#include "tree.h"

enum { kThreads = 3, kChildren = 2 };

static pthread_mutex_t held;
static pthread_barrier_t ready;
static volatile sig_atomic_t hit_tid;

static void on_signal(int signal) {
  (void)signal;
  hit_tid = (sig_atomic_t)syscall(SYS_gettid);
}

static void* work(void* argument) {
  const pid_t tid = gettid();
  const int holds = argument == NULL;
  if (holds) NEED0(pthread_mutex_lock(&held));
  pthread_barrier_wait(&ready);
  tree_wait_go();
  CHECK_EQ("kind of id", tid == syscall(SYS_gettid) || tid != gettid(), 1);
  CHECK_EQ("gettid()", syscall(SYS_gettid), gettid());
  if (holds) NEED0(pthread_mutex_unlock(&held));
  return argument;
}

static void child(int to) {
  pthread_mutexattr_t attributes;
  NEED0(pthread_mutexattr_init(&attributes));
  NEED0(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE));
  NEED0(pthread_mutex_init(&held, &attributes));
  NEED0(pthread_barrier_init(&ready, NULL, kThreads + 1));
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; i++) NEED0(pthread_create(&threads[i], NULL, work, (void*)i));
  pthread_barrier_wait(&ready);
  const pid_t me = getpid();
  tree_say(to, 'r');
  tree_wait_go();
  CHECK_EQ("pid", syscall(SYS_getpid), me);
  NEED0(pthread_kill(threads[1], 0));
  for (long i = 0; i < kThreads; i++) {
    void* result;
    NEED0(pthread_join(threads[i], &result));
    CHECK_EQ("result of a thread", i, (long)result);
  }
  NEED0(pthread_mutex_lock(&held));
  NEED(kill(me, SIGUSR1));
  CHECK_EQ("thread that the signal hit", me, hit_tid);
  pthread_t late;
  NEED0(pthread_barrier_init(&ready, NULL, 1));
  NEED0(pthread_create(&late, NULL, work, (void*)7));
  NEED0(pthread_join(late, NULL));
  _exit(51);
}

static int said[2];
static pid_t children[kChildren];

static void* make_child(void* argument) {
  children[1] = tree_fork();
  if (children[1] == 0) child(said[1]);
  tree_wait_go();
  return argument;
}

int main(int argc, char** argv) {
  tree_start(argc, argv);
  NEED(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL));
  NEED(pipe(said));
  children[0] = tree_fork();
  if (children[0] == 0) child(said[1]);
  pthread_t maker;
  NEED0(pthread_create(&maker, NULL, make_child, NULL));
  tree_hear(said[0], 'r');
  tree_hear(said[0], 'r');
  app_wait();
  NEED0(pthread_join(maker, NULL));
  for (int i = 0; i < kChildren; i++) tree_expect_exit("exit status of a child", 51, children[i]);
  return 0;
}
