// Filters of system calls that the app has set itself: the kind is argv[4].
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "call_filter.h"
#include "faults.h"

#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), RETURN(SECCOMP_RET_ALLOW)

static void install(unsigned flags, struct sock_filter* filter, size_t size) {
  struct sock_fprog program = {(unsigned short)(size / sizeof *filter), filter};
  NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

/// One call, which nothing else makes, gives that error.
static void forbid(long number, unsigned error, unsigned flags) {
  struct CallFilter filter = call_filter(number, SECCOMP_RET_ERRNO | error);
  install(flags, filter.rules, sizeof filter.rules);
}

/// What a sandbox allows that its app can live with: it may give memory back, and get none.
static void confine(void) {
  struct sock_filter filter[] = {
      LOAD_NUMBER,
      ALLOW(SYS_read),
      ALLOW(SYS_write),
      ALLOW(SYS_openat),
      ALLOW(SYS_close),
      ALLOW(SYS_faccessat),
      ALLOW(SYS_getpid),
#ifdef SYS_rename
      ALLOW(SYS_rename),
#endif
      ALLOW(SYS_renameat2),
#ifdef SYS_renameat
      ALLOW(SYS_renameat),
#endif
#ifdef SYS_access
      ALLOW(SYS_access),
#endif
#ifdef SYS_clock_nanosleep_time64
      ALLOW(SYS_clock_nanosleep_time64),
      ALLOW(SYS_futex_time64),
#endif
      ALLOW(SYS_clock_nanosleep),
      ALLOW(SYS_exit_group),
      ALLOW(SYS_futex),
      ALLOW(SYS_munmap),
      ALLOW(SYS_madvise),
      ALLOW(SYS_prctl),
      ALLOW(SYS_rt_sigreturn),
      ALLOW(SYS_restart_syscall),
      RETURN(SECCOMP_RET_KILL_PROCESS),
  };
  install(0, filter, sizeof filter);
}

static int count_filters(void) {
  char text[8192] = {0};
  int fd = (int)NEED(open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC));
  NEED(read(fd, text, sizeof text - 1));
  close(fd);
  const char* line = strstr(text, "\nSeccomp_filters:");
  return line == NULL ? -1 : atoi(strchr(line + 1, ':') + 1);
}

static int error_of(long number) {
  errno = 0;
  return syscall(number, 0, 0, 0) == -1 ? errno : 0;
}

static bool privileged;

/// Two of the newer filter's errors count, the older one has the third.
static void check_filters(const char* thread) {
  CHECK_EQ(thread, privileged ? 0 : 1, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  CHECK_EQ(thread, 22, error_of(SYS_getppid));
  CHECK_EQ(thread, 23, error_of(SYS_getpriority));
  CHECK_EQ(thread, 0, error_of(SYS_getpid));
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int counted = -1;

static void* wait_and_check(void* unused) {
  (void)unused;
  NEED0(pthread_mutex_lock(&lock));
  check_filters("in a thread");
  CHECK_EQ("filters of a thread", counted, count_filters());
  return NULL;
}

static void hold_filters(bool threads) {
  pthread_t thread;
  NEED0(pthread_mutex_lock(&lock));
  if (threads) NEED0(pthread_create(&thread, NULL, wait_and_check, NULL));
  const unsigned all = threads ? SECCOMP_FILTER_FLAG_TSYNC : 0;
  forbid(SYS_getppid, 21, all | SECCOMP_FILTER_FLAG_LOG);
  forbid(SYS_getpriority, 23, all);
  forbid(SYS_getppid, 22, all);
  counted = count_filters();
  app_wait();
  check_filters("in the main thread");
  CHECK_EQ("filters of the main thread", counted, count_filters());
  NEED0(pthread_mutex_unlock(&lock));
  if (threads) NEED0(pthread_join(thread, NULL));
}

/// A launch may not do for the app what the app's filter forbids.
static void hold_sandbox(void) {
  char* area = app_map(64 * app_page());
  app_fill(area, 64 * app_page(), 91);
  confine();
  app_wait();
  app_check_fill("memory", area, 64 * app_page(), 91);
  NEED(madvise(area, 8 * app_page(), MADV_DONTNEED));
  app_check_zero("memory that was given back", area, 8 * app_page());
  CHECK_EQ("mode", SECCOMP_MODE_FILTER, prctl(PR_GET_SECCOMP));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const char* kind = argc > 4 ? argv[4] : "";
  privileged = strcmp(kind, "privileged") == 0;
  if (!privileged) NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  if (strcmp(kind, "sandbox") == 0)
    hold_sandbox();
  else
    hold_filters(strcmp(kind, "threads") == 0);
  return 0;
}
