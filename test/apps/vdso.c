// The vDSO: threads that are stopped within its code, a signal handler that interrupted that code
// and returns to it after the restore (AArch64: by the vDSO's own sigreturn; ARM: by the kernel's
// [sigpage], as there is no restorer), and times that must agree with the system call's.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <ucontext.h>

#include "harness.h"

static atomic_bool released, interrupted;
static uintptr_t vdso_start, vdso_end;

static void find_vdso(void) {
  FILE* maps = fopen("/proc/self/maps", "re");
  CHECK(maps != NULL);
  char line[512];
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end;
    if (strstr(line, "[vdso]") == NULL || sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
    vdso_start = start;
    vdso_end = end;
  }
  fclose(maps);
  if (vdso_start == 0) SKIP("this kernel has no vDSO");
}

static int64_t by_call(clockid_t clock) {
#ifdef SYS_clock_gettime64
  int64_t time[2];
  NEED(syscall(SYS_clock_gettime64, clock, time));
  return time[0] * 1000000000 + time[1];
#else
  struct timespec time;
  NEED(syscall(SYS_clock_gettime, clock, &time));
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
#endif
}

static int64_t by_vdso(clockid_t clock) {
  struct timespec time;
  NEED(clock_gettime(clock, &time));
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/// The vDSO's time lies between two times of the system call.
static void check_between(clockid_t clock) {
  int64_t before = by_call(clock), time = by_vdso(clock), after = by_call(clock);
  if (time < before || time > after)
    FAIL("clock %d, expected %lld to %lld, got %lld", clock, (long long)before, (long long)after,
         (long long)time);
}

static void* ask(void* argument) {
  int64_t last = 0;
  while (!atomic_load(&released)) {
    int64_t time = by_vdso(CLOCK_MONOTONIC);
    if (time < last) FAIL("monotonic time, expected %lld or more", (long long)last);
    last = time;
    struct timeval wall;
    NEED(gettimeofday(&wall, NULL));
  }
  for (int i = 0; i < 200; i++) check_between(CLOCK_MONOTONIC), check_between(CLOCK_REALTIME);
  return argument;
}

static uintptr_t stood_at(const ucontext_t* context) {
#if defined(__x86_64__)
  return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return (uintptr_t)context->uc_mcontext.pc;
#else
  return (uintptr_t)context->uc_mcontext.arm_pc;
#endif
}

/// A launch on another kernel puts jumps there.
static bool is_entry(uintptr_t at) {
  Dl_info info;
  return dladdr((void*)at, &info) == 0 || info.dli_saddr == NULL ||
         at - ((uintptr_t)info.dli_saddr & ~(uintptr_t)1) < 32;
}

/// Stays in the handler, once it has interrupted the vDSO, until the app may go.
static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info;
  uintptr_t at = stood_at(context);
  if (at < vdso_start || at >= vdso_end || is_entry(at) || atomic_load(&interrupted)) return;
  atomic_store(&interrupted, true);
  while (!atomic_load(&released)) {
  }
}

static void* be_interrupted(void* argument) {
  while (!atomic_load(&interrupted)) {
    int64_t before = by_call(CLOCK_MONOTONIC), time = by_vdso(CLOCK_MONOTONIC);
    if (time < before || time > by_call(CLOCK_MONOTONIC))
      FAIL("interrupted time, expected %lld or more, got %lld", (long long)before, (long long)time);
  }
  return argument;
}

/// Without SA_RESTORER: the kernel chooses where a handler returns to.
static void install_handler(void) {
#if defined(__x86_64__)
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  NEED(sigaction(SIGUSR1, &action, NULL));
#else
  struct {
    void (*handler)(int, siginfo_t*, void*);
    unsigned long flags;
    void* restorer;
    uint64_t mask;
  } action = {handler, SA_SIGINFO, NULL, 0};
  NEED(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, sizeof action.mask));
#endif
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  find_vdso();
  install_handler();
  // Without a thread in a handler: the frame of a signal belongs to its kernel.
  const bool handle = argc < 5 || strcmp(argv[4], "threads") != 0;
  pthread_t asking[2], in_handler;
  for (int i = 0; i < 2; i++) NEED0(pthread_create(&asking[i], NULL, ask, NULL));
  if (handle) NEED0(pthread_create(&in_handler, NULL, be_interrupted, NULL));
  for (int i = 0; handle && !atomic_load(&interrupted); i++) {
    if (i == 20000) SKIP("no signal came while the thread was in the vDSO");
    NEED0(pthread_kill(in_handler, SIGUSR1));
    app_sleep_ms(1);
  }
  app_wait();
  atomic_store(&released, true);
  for (int i = 0; i < 2; i++) NEED0(pthread_join(asking[i], NULL));
  if (handle) NEED0(pthread_join(in_handler, NULL));
  for (int i = 0; i < 100; i++) check_between(CLOCK_MONOTONIC), check_between(CLOCK_BOOTTIME);
  struct timeval wall;
  NEED(gettimeofday(&wall, NULL));
  CHECK(wall.tv_sec >= by_call(CLOCK_REALTIME) / 1000000000 - 1);
  struct timespec resolution;
  NEED(clock_getres(CLOCK_MONOTONIC, &resolution));
  CHECK(resolution.tv_nsec >= 1);
  return 0;
}
