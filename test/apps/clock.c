// Clocks: monotonic time never runs backwards, across the restore and after it, through the vDSO
// and the raw call.
#include <pthread.h>
#include <sys/time.h>

#include "harness.h"

static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE,
                                   CLOCK_BOOTTIME};
enum { kClocks = sizeof clocks / sizeof *clocks };

static int64_t now(clockid_t clock, bool raw) {
  struct timespec time;
  if (raw && sizeof time.tv_sec == sizeof(long))
    NEED(syscall(SYS_clock_gettime, clock, &time));
  else
    NEED(clock_gettime(clock, &time));
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void check_forward(int64_t* last, int rounds) {
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < kClocks; i++) {
      int64_t time = now(clocks[i], round % 2 == 1 && clocks[i] != CLOCK_MONOTONIC_COARSE);
      if (time < last[i])
        FAIL("clock %d, expected %lld ns or more, got %lld", clocks[i], (long long)last[i],
             (long long)time);
      last[i] = time;
    }
}

static void* work(void* argument) {
  int64_t last[kClocks] = {0};
  while (!app_may_go()) check_forward(last, 50), app_sleep_ms(1);
  check_forward(last, 2000);
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, work, NULL));
  int64_t last[kClocks] = {0};
  check_forward(last, 4);
  struct timeval wall;
  NEED(gettimeofday(&wall, NULL));
  time_t before = wall.tv_sec;
  app_wait();
  check_forward(last, 2000);
  NEED(gettimeofday(&wall, NULL));
  CHECK(wall.tv_sec >= before && wall.tv_sec < before + 600);
  CHECK(time(NULL) >= before);
  int64_t start = now(CLOCK_MONOTONIC, false);
  app_sleep_ms(20);
  CHECK(now(CLOCK_MONOTONIC, false) - start >= 20000000);
  NEED0(pthread_join(thread, NULL));
  return 0;
}
