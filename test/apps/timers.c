// POSIX timers: ids with a hole, every kind of notification, remaining time, interval and overrun.
#include <pthread.h>
#include <signal.h>

#include "harness.h"

enum { kLongSeconds = 1000 };

static timer_t by_signal, removed, silent, by_thread, disarmed, overrunning, absolute, by_function;
static pthread_barrier_t thread_set;
static pid_t thread_id;
static volatile int function_calls;

static timer_t create(clockid_t clock, int notify, int signal, int value, pid_t thread) {
  struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal};
  event.sigev_value.sival_int = value;
#ifdef sigev_notify_thread_id
  event.sigev_notify_thread_id = thread;
#else
  event._sigev_un._tid = thread;
#endif
  timer_t timer;
  NEED(timer_create(clock, &event, &timer));
  return timer;
}

static void arm(timer_t timer, time_t seconds, long value_ns, long interval_ns) {
  struct itimerspec spec = {{0, interval_ns}, {seconds, value_ns}};
  NEED(timer_settime(timer, 0, &spec, NULL));
}

static void check_remaining(const char* what, timer_t timer, long interval_ns) {
  struct itimerspec spec;
  NEED(timer_gettime(timer, &spec));
  CHECK_EQ(what, interval_ns, spec.it_interval.tv_nsec);
  if (spec.it_value.tv_sec >= kLongSeconds || spec.it_value.tv_sec < kLongSeconds - 60)
    FAIL("%s: remaining time, expected just under %d s, got %ld s", what, kLongSeconds,
         (long)spec.it_value.tv_sec);
}

static siginfo_t await(int signal, int seconds) {
  sigset_t set;
  siginfo_t info = {0};
  sigemptyset(&set);
  sigaddset(&set, signal);
  int got = sigtimedwait(&set, &info, &(struct timespec){seconds, 0});
  if (got != signal) FAIL("signal %d of a timer, expected, got %s", signal, strerror(errno));
  return info;
}

static void on_expiry(union sigval value) {
  __atomic_add_fetch(&function_calls, value.sival_int, __ATOMIC_SEQ_CST);
}

static void* receive(void* argument) {
  thread_id = gettid();
  pthread_barrier_wait(&thread_set);
  pthread_barrier_wait(&thread_set);
  // The timer was made for this thread by its id of then: it must have followed the thread.
  while (!app_may_go()) app_sleep_ms(2);
  siginfo_t info = await(SIGRTMIN + 1, 5);
  CHECK_EQ("value of the thread's timer", 31, info.si_value.sival_int);
  CHECK_EQ("code of the thread's timer", SI_TIMER, info.si_code);
  return argument;
}

static void set_up(void) {
  by_signal = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 21, 0);
  removed = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 22, 0);
  silent = create(CLOCK_REALTIME, SIGEV_NONE, 0, 0, 0);
  by_thread = create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGRTMIN + 1, 31, thread_id);
  disarmed = create(CLOCK_BOOTTIME, SIGEV_SIGNAL, SIGRTMIN + 2, 41, 0);
  overrunning = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 3, 51, 0);
  absolute = create(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN + 4, 61, 0);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_expiry};
  event.sigev_value.sival_int = 1;
  NEED(timer_create(CLOCK_MONOTONIC, &event, &by_function));
  NEED(timer_delete(removed));
  arm(by_signal, kLongSeconds, 0, 5000000);
  arm(silent, kLongSeconds, 0, 0);
  arm(by_thread, 0, 10000000, 10000000);
  arm(overrunning, 0, 1000000, 1000000);
  arm(by_function, 0, 10000000, 10000000);
  struct itimerspec at = {{0, 0}, {0, 0}};
  NEED(clock_gettime(CLOCK_REALTIME, &at.it_value));
  at.it_value.tv_sec += kLongSeconds;
  NEED(timer_settime(absolute, TIMER_ABSTIME, &at, NULL));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  sigset_t blocked;
  sigemptyset(&blocked);
  for (int i = 0; i < 5; i++) sigaddset(&blocked, SIGRTMIN + i);
  NEED0(pthread_sigmask(SIG_BLOCK, &blocked, NULL));
  NEED0(pthread_barrier_init(&thread_set, NULL, 2));
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, receive, NULL));
  pthread_barrier_wait(&thread_set);
  set_up();
  pthread_barrier_wait(&thread_set);
  app_wait();

  check_remaining("SIGEV_SIGNAL", by_signal, 5000000);
  check_remaining("SIGEV_NONE", silent, 0);
  check_remaining("absolute", absolute, 0);
  struct itimerspec spec;
  NEED(timer_gettime(disarmed, &spec));
  CHECK_EQ("disarmed timer", 0, spec.it_value.tv_sec + spec.it_value.tv_nsec);
  siginfo_t info = await(SIGRTMIN + 3, 5);
  CHECK_EQ("value of the overrunning timer", 51, info.si_value.sival_int);
  app_sleep_ms(20);
  info = await(SIGRTMIN + 3, 5);
  if (info.si_overrun < 5)
    FAIL("overrun of a 1 ms timer after 20 ms, expected 5 or more, got %d", info.si_overrun);
  arm(by_signal, 0, 1000000, 0);
  CHECK_EQ("value of the re-armed timer", 21, await(SIGRTMIN, 5).si_value.sival_int);
  arm(disarmed, 0, 1000000, 0);
  CHECK_EQ("value of the timer armed after restore", 41, await(SIGRTMIN + 2, 5).si_value.sival_int);
  int calls = function_calls;
  for (int i = 0; i < 400 && function_calls < calls + 2; i++) app_sleep_ms(5);
  CHECK(function_calls >= calls + 2);
  timer_t fresh = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 71, 0);
  arm(fresh, 0, 1000000, 0);
  CHECK_EQ("value of a new timer", 71, await(SIGRTMIN, 5).si_value.sival_int);
  NEED0(pthread_join(thread, NULL));
  timer_t all[] = {by_signal,   silent,   by_thread,   disarmed,
                   overrunning, absolute, by_function, fresh};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) NEED(timer_delete(all[i]));
  return 0;
}
