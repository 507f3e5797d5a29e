// Signals: handlers and their flags, masks, and what is pending for the process and for one thread,
// with values.
#include <pthread.h>
#include <signal.h>

#include "harness.h"

static char alternate[64 * 1024];
static volatile sig_atomic_t on_alternate, nested_mask_right;
static pthread_barrier_t thread_set;

static void on_usr1(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  char here;
  on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  nested_mask_right = sigismember(&mask, SIGHUP) == 1 && sigismember(&mask, SIGUSR1) == 0;
  CHECK_EQ("si_code of raise()", SI_TKILL, info->si_code);
  CHECK_EQ("si_pid of raise()", getpid(), info->si_pid);
}

static void on_once(int signal) {
  (void)signal;
}

static void block(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  NEED0(pthread_sigmask(SIG_BLOCK, &set, NULL));
}

static siginfo_t take(int signal) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, signal);
  int got = sigtimedwait(&set, &info, &(struct timespec){0, 0});
  if (got != signal) FAIL("pending signal %d, expected, got %s", signal, strerror(errno));
  return info;
}

static void check_not_pending(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  CHECK_EQ("signal with nothing pending", -1, sigtimedwait(&set, NULL, &(struct timespec){0, 0}));
}

/// pthread_sigqueue, which musl does not have.
static void queue_to_self(int signal, int value) {
  siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = value;
  NEED(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, &info));
}

static void* hold_pending(void* argument) {
  block(SIGUSR2);
  block(SIGRTMIN + 3);
  NEED0(pthread_kill(pthread_self(), SIGUSR2));
  for (int i = 0; i < 4; i++) queue_to_self(SIGRTMIN + 3, 500 + i);
  pthread_barrier_wait(&thread_set);
  while (!app_may_go()) app_sleep_ms(2);
  app_sleep_ms(5);
  int code = take(SIGUSR2).si_code;
  CHECK(code == SI_TKILL || code == SI_USER);  // glibc's sigtimedwait says SI_USER for SI_TKILL
  for (int i = 0; i < 4; i++)
    CHECK_EQ("value of the thread's signal", 500 + i, take(SIGRTMIN + 3).si_value.sival_int);
  check_not_pending(SIGRTMIN + 3);
  return argument;
}

static void set_up(void) {
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  NEED(sigaltstack(&stack, NULL));
  struct sigaction action = {.sa_sigaction = on_usr1,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigaddset(&action.sa_mask, SIGHUP);
  NEED(sigaction(SIGUSR1, &action, NULL));
  struct sigaction once = {.sa_handler = on_once, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
  NEED(sigaction(SIGWINCH, &once, NULL));
  struct sigaction children = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP | SA_NOCLDWAIT};
  NEED(sigaction(SIGCHLD, &children, NULL));
  NEED(signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0);
  int blocked[] = {SIGTERM, SIGRTMIN + 1, SIGRTMIN + 2, SIGURG};
  for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++) block(blocked[i]);
  NEED(kill(getpid(), SIGTERM));
  for (int i = 0; i < 5; i++)
    NEED(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 100 + i}));
  NEED(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_ptr = alternate}));
}

static void check_pending(void) {
  sigset_t pending;
  NEED(sigpending(&pending));
  CHECK_EQ("SIGTERM pending", 1, sigismember(&pending, SIGTERM));
  CHECK_EQ("SIGURG pending", 0, sigismember(&pending, SIGURG));
  CHECK_EQ("the other thread's signal here", 0, sigismember(&pending, SIGUSR2));
  CHECK_EQ("code of kill()", SI_USER, take(SIGTERM).si_code);
  for (int i = 0; i < 5; i++) {
    siginfo_t info = take(SIGRTMIN + 1);
    CHECK_EQ("code of sigqueue()", SI_QUEUE, info.si_code);
    CHECK_EQ("sender of sigqueue()", getpid(), info.si_pid);
    CHECK_EQ("value of sigqueue()", 100 + i, info.si_value.sival_int);
  }
  check_not_pending(SIGRTMIN + 1);
  CHECK(take(SIGRTMIN + 2).si_value.sival_ptr == alternate);
}

static void check_actions(void) {
  struct sigaction action;
  NEED(sigaction(SIGPIPE, NULL, &action));
  CHECK(action.sa_handler == SIG_IGN);
  NEED(sigaction(SIGCHLD, NULL, &action));
  CHECK_EQ("flags of SIGCHLD", SA_NOCLDSTOP | SA_NOCLDWAIT,
           action.sa_flags & (SA_NOCLDSTOP | SA_NOCLDWAIT));
  NEED(raise(SIGUSR1));
  CHECK_EQ("handler on the alternate stack", 1, on_alternate);
  CHECK_EQ("mask inside the handler", 1, nested_mask_right);
  NEED(sigaction(SIGWINCH, NULL, &action));
  CHECK(action.sa_handler == on_once);
  CHECK((action.sa_flags & (int)SA_RESETHAND) != 0);
  NEED(raise(SIGWINCH));
  NEED(sigaction(SIGWINCH, NULL, &action));
  CHECK(action.sa_handler == SIG_DFL);
}

static void check_mask(void) {
  sigset_t mask;
  NEED(sigprocmask(SIG_SETMASK, NULL, &mask));
  for (int signal = 1; signal <= SIGRTMAX; signal++) {
    if (signal >= 32 && signal < SIGRTMIN) continue;  // libc's own
    bool expected =
        signal == SIGTERM || signal == SIGURG || signal == SIGRTMIN + 1 || signal == SIGRTMIN + 2;
    CHECK_EQ("blocked signals", expected ? signal : 0,
             sigismember(&mask, signal) == 1 ? signal : 0);
  }
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  set_up();
  NEED0(pthread_barrier_init(&thread_set, NULL, 2));
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, hold_pending, NULL));
  pthread_barrier_wait(&thread_set);
  app_wait();
  check_mask();
  check_pending();
  check_actions();
  NEED0(pthread_join(thread, NULL));
  return 0;
}
