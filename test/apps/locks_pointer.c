// A thread waits for a lock, and its id is also half of the lock's address: of what the thread holds in registers and on its
// stack, an address stays what it is.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "harness.h"

static pthread_mutex_t mutex;
static volatile pid_t tid;
static volatile int goes_on, entered;

static void* wait_for(void* argument) {
  tid = gettid();
  while (goes_on == 0) app_sleep_ms(1);
  if (goes_on < 0) return argument;
  NEED0(pthread_mutex_lock(&mutex));
  entered = 1;
  NEED0(pthread_mutex_unlock(&mutex));
  return argument;
}

static void set_last_id(int last, const char* text) {
  const ssize_t size = (ssize_t)strlen(text);
  if (pwrite(last, text, (size_t)size, 0) != size) SKIP("no id can be chosen: %s", strerror(errno));
}

/// Whoever makes a process or thread meanwhile has that id: it is tried again. Afterwards, ids go on from where they were, for
/// those of before shall not come again soon.
static pthread_t start_with_id(pid_t wanted) {
  enum { kTries = 300 };
  char text[16], before[16] = "";
  snprintf(text, sizeof text, "%d", wanted - 1);
  const int last = open("/proc/sys/kernel/ns_last_pid", O_RDWR | O_CLOEXEC);
  if (last < 0 || pread(last, before, sizeof before - 1, 0) <= 0)
    SKIP("no id can be chosen: %s", strerror(errno));
  for (int i = 0; i < kTries; i++) {
    set_last_id(last, text);
    tid = goes_on = 0;
    pthread_t thread;
    NEED0(pthread_create(&thread, NULL, wait_for, NULL));
    set_last_id(last, before);
    while (tid == 0) app_sleep_ms(1);
    goes_on = tid == wanted ? 1 : -1;
    if (tid == wanted) {
      close(last);
      return thread;
    }
    NEED0(pthread_join(thread, NULL));
  }
  SKIP("the id %d is taken", wanted);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const uint64_t address = (uintptr_t)&mutex;
  const pid_t upper = (pid_t)(address >> 32);
  if (upper < 256) SKIP("no address here has such a half");
  pthread_mutexattr_t attributes;
  NEED0(pthread_mutexattr_init(&attributes));
  NEED0(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK));
  NEED0(pthread_mutex_init(&mutex, &attributes));
  NEED0(pthread_mutex_lock(&mutex));
  const pthread_t thread = start_with_id(upper);
  app_sleep_ms(50);  // It waits in the kernel.
  app_wait();

  CHECK_EQ("the lock while it is held", 0, entered);
  NEED0(pthread_mutex_unlock(&mutex));
  NEED0(pthread_join(thread, NULL));
  CHECK_EQ("the lock for who has waited for it", 1, entered);
  return 0;
}
