// Threads that begin and end all the time: at each moment some are about to end, and have lost part of
// what threads share.
#include <pthread.h>

#include "harness.h"

enum { kAtOnce = 4 };

static void* do_nothing(void* unused) {
  return unused;
}

static void* make_threads(void* unused) {
  for (;;) {
    pthread_t threads[kAtOnce];
    for (int i = 0; i < kAtOnce; i++)
      if (pthread_create(&threads[i], NULL, do_nothing, NULL) != 0) return unused;
    for (int i = 0; i < kAtOnce; i++) pthread_join(threads[i], NULL);
  }
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  pthread_t maker;
  NEED0(pthread_create(&maker, NULL, make_threads, NULL));
  app_wait();
  return 0;
}
