// Locks whose memory holds the owner's thread id, held across the restore. Only a launch that keeps
// the thread ids
// (--keep-pid) can bring these back: nothing tells the kernel or thaw where such words lie.
#include <pthread.h>

#include "harness.h"

static pthread_mutex_t make(int type, int protocol) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t mutex;
  NEED0(pthread_mutexattr_init(&attributes));
  NEED0(pthread_mutexattr_settype(&attributes, type));
  NEED0(pthread_mutexattr_setprotocol(&attributes, protocol));
  NEED0(pthread_mutex_init(&mutex, &attributes));
  return mutex;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  static pthread_mutex_t recursive, checked, inheriting;
  recursive = make(PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE);
  checked = make(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE);
  inheriting = make(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT);
  NEED0(pthread_mutex_lock(&recursive));
  NEED0(pthread_mutex_lock(&recursive));
  NEED0(pthread_mutex_lock(&checked));
  NEED0(pthread_mutex_lock(&inheriting));
  pid_t before = getpid();
  app_wait();

  CHECK_EQ("kept pid", before, getpid());
  CHECK_EQ("kept thread id", before, gettid());
  NEED0(pthread_mutex_lock(&recursive));
  for (int i = 0; i < 3; i++) NEED0(pthread_mutex_unlock(&recursive));
  CHECK_EQ("lock of a held errorcheck mutex", EDEADLK, pthread_mutex_lock(&checked));
  NEED0(pthread_mutex_unlock(&checked));
  NEED0(pthread_mutex_unlock(&inheriting));
  return 0;
}
