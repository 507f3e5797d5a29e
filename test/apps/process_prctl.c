// What prctl, personality and the scheduler hold of a process.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>

#include "harness.h"

/* PR_THP_DISABLE_EXCEPT_ADVISED and PR_SET_MEMORY_MERGE of <linux/prctl.h>, Linux 6.18 and 6.4 */
enum { kExceptAdvised = 2, kSetMemoryMerge = 67, kGetMemoryMerge = 68 };

static unsigned long coredump_filter(void) {
  char text[32] = "";
  int fd = (int)NEED(open("/proc/self/coredump_filter", O_RDONLY | O_CLOEXEC));
  NEED(read(fd, text, sizeof text - 1));
  close(fd);
  return strtoul(text, NULL, 16);
}

static void set_coredump_filter(unsigned long value) {
  char text[32];
  int fd = (int)NEED(open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC));
  NEED(write(fd, text, (size_t)snprintf(text, sizeof text, "0x%lx", value)));
  close(fd);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void* check_in_thread(void* unused) {
  NEED0(pthread_mutex_lock(&lock));
  CHECK_EQ("PR_GET_NO_NEW_PRIVS in a thread", 1, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  return unused;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1));
  NEED(prctl(PR_SET_TIMERSLACK, 123456));
  NEED(prctl(PR_SET_PDEATHSIG, SIGUSR1));
  // Linux 6.18: but where madvise(2) asks for them.
  if (prctl(PR_SET_THP_DISABLE, 1, kExceptAdvised, 0, 0) != 0)
    NEED(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  const int thp = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
  const bool merges = prctl(kSetMemoryMerge, 1, 0, 0, 0) == 0;
  NEED(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  NEED(personality(ADDR_NO_RANDOMIZE));
  NEED(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}));
  set_coredump_filter(0x11);
  pthread_t thread;
  NEED0(pthread_mutex_lock(&lock));
  NEED0(pthread_create(&thread, NULL, check_in_thread, NULL));
  app_wait();

  NEED0(pthread_mutex_unlock(&lock));
  NEED0(pthread_join(thread, NULL));
  int value = 0;
  NEED(prctl(PR_GET_CHILD_SUBREAPER, &value));
  CHECK_EQ("PR_GET_CHILD_SUBREAPER", 1, value);
  CHECK_EQ("PR_GET_TIMERSLACK", 123456, prctl(PR_GET_TIMERSLACK));
  NEED(prctl(PR_GET_PDEATHSIG, &value));
  CHECK_EQ("PR_GET_PDEATHSIG", SIGUSR1, value);
  if (merges) CHECK_EQ("PR_GET_MEMORY_MERGE", 1, prctl(kGetMemoryMerge, 0, 0, 0, 0));
  CHECK_EQ("PR_MCE_KILL_GET", PR_MCE_KILL_EARLY, prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  CHECK_EQ("PR_GET_THP_DISABLE", thp, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  CHECK_EQ("PR_GET_NO_NEW_PRIVS", 1, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  CHECK_EQ("PR_GET_DUMPABLE", 1, prctl(PR_GET_DUMPABLE));
  CHECK_EQ("personality", ADDR_NO_RANDOMIZE, personality(0xffffffff));
  CHECK_EQ("scheduling policy", SCHED_BATCH, sched_getscheduler(0));
  // The guards (docs/hazards.md) may dump more than the app asked for, never less.
  CHECK_EQ("coredump_filter", 0x11, coredump_filter() & 0x11);
  return 0;
}
