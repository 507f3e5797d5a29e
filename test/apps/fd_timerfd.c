// timerfd: remaining time, interval, expirations not yet read, absolute, disarmed, each clock.
#include <sys/timerfd.h>

#include "fds.h"

enum { kLongSeconds = 1000 };

static int make(clockid_t clock, int flags, time_t seconds, long value_ns, long interval_ns) {
  int fd = (int)NEED(timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK));
  struct itimerspec spec = {{0, interval_ns}, {seconds, value_ns}};
  NEED(timerfd_settime(fd, flags, &spec, NULL));
  return fd;
}

static void check_remaining(const char* what, int fd, long interval_ns) {
  struct itimerspec spec;
  NEED(timerfd_gettime(fd, &spec));
  CHECK_EQ(what, interval_ns, spec.it_interval.tv_nsec);
  if (spec.it_value.tv_sec >= kLongSeconds || spec.it_value.tv_sec < kLongSeconds - 60)
    FAIL("%s: remaining time, expected just under %d s, got %ld s", what, kLongSeconds,
         (long)spec.it_value.tv_sec);
}

static uint64_t expirations(int fd) {
  uint64_t count = 0;
  ssize_t size = read(fd, &count, sizeof count);
  return size == sizeof count ? count : 0;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  struct timespec now;
  NEED(clock_gettime(CLOCK_REALTIME, &now));
  int lasting = make(CLOCK_MONOTONIC, 0, kLongSeconds, 0, 8000000);
  int boot = make(CLOCK_BOOTTIME, 0, kLongSeconds, 0, 0);
  int absolute = make(CLOCK_REALTIME, TFD_TIMER_ABSTIME, now.tv_sec + kLongSeconds, 0, 0);
  int ticking = make(CLOCK_MONOTONIC, 0, 0, 2000000, 2000000);
  int disarmed = make(CLOCK_MONOTONIC, 0, 0, 0, 0);
  int expired = make(CLOCK_MONOTONIC, 0, 0, 1000000, 0);
  int read_before = make(CLOCK_MONOTONIC, 0, 0, 1000000, 0);
  app_sleep_ms(20);
  CHECK_EQ("expirations", 1, expirations(read_before));
  app_wait();

  check_remaining("CLOCK_MONOTONIC", lasting, 8000000);
  check_remaining("CLOCK_BOOTTIME", boot, 0);
  check_remaining("absolute", absolute, 0);
  CHECK_EQ("expirations of a timer that had expired", 1, expirations(expired));
  CHECK_EQ("expirations of a timer that was read", 0, expirations(read_before));
  CHECK_EQ("expirations of a disarmed timer", 0, expirations(disarmed));
  CHECK(expirations(ticking) >= 5);  // at least those before the checkpoint
  app_sleep_ms(20);
  uint64_t count = expirations(ticking);
  if (count < 4 || count > 500)
    FAIL("expirations in 20 ms of a 2 ms timer, expected about 10, got %d", (int)count);
  struct itimerspec spec = {{0, 0}, {0, 1000000}};
  NEED(timerfd_settime(disarmed, 0, &spec, NULL));
  app_sleep_ms(10);
  CHECK_EQ("events of a timer armed after restore", POLLIN, fds_events(disarmed, POLLIN));
  return 0;
}
