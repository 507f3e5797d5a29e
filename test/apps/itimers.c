// Interval timers: what remains of them, and that they go on firing.
#include <signal.h>
#include <sys/time.h>

#include "harness.h"

static volatile sig_atomic_t ticks;

static void on_alarm(int signal) {
  (void)signal;
  ticks++;
}

static void set(int which, long seconds, long microseconds, long interval_us) {
  struct itimerval value = {{0, interval_us}, {seconds, microseconds}};
  NEED(setitimer(which, &value, NULL));
}

/// What remains may only have shrunk; a cold run has used up very little of a minute.
static void check(const char* what, int which, long seconds, long interval_us) {
  struct itimerval value;
  NEED(getitimer(which, &value));
  CHECK_EQ(what, interval_us, value.it_interval.tv_usec);
  if (value.it_value.tv_sec > seconds || value.it_value.tv_sec < seconds - 40)
    FAIL("%s: remaining time, expected at most %ld s, got %ld s", what, seconds,
         (long)value.it_value.tv_sec);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  NEED(sigaction(SIGALRM, &action, NULL));
  // ITIMER_REAL ticks for real; the CPU-time ones are long and must keep their remaining time.
  set(ITIMER_REAL, 0, 20000, 20000);
  set(ITIMER_VIRTUAL, 100, 0, 7000);
  set(ITIMER_PROF, 200, 0, 9000);
  app_wait();
  check("ITIMER_VIRTUAL", ITIMER_VIRTUAL, 100, 7000);
  check("ITIMER_PROF", ITIMER_PROF, 200, 9000);
  ticks = 0;
  int64_t start = app_now_ms(CLOCK_MONOTONIC);
  while (ticks < 4 && app_now_ms(CLOCK_MONOTONIC) - start < 3000) app_sleep_ms(5);
  CHECK(ticks >= 4);
  set(ITIMER_REAL, 0, 0, 0);
  return 0;
}
