// Stacks: deep frames keep their bytes, the main stack grows after the restore, a thread's guard
// page still guards.
#include <alloca.h>
#include <pthread.h>

#include "faults.h"

static int deepest;

static void descend(int depth, void (*at_bottom)(void)) {
  volatile uint64_t frame[64];
  for (int i = 0; i < 64; i++) frame[i] = app_mix((uint64_t)depth * 64 + (uint64_t)i);
  if (depth == deepest)
    at_bottom();
  else
    descend(depth + 1, at_bottom);
  for (int i = 0; i < 64; i++)
    if (frame[i] != app_mix((uint64_t)depth * 64 + (uint64_t)i))
      FAIL("frame %d, expected as written, got other bytes", depth);
}

static void nothing(void) {}

static void* work(void* argument) {
  pthread_attr_t attributes;
  void* lowest;
  size_t size;
  NEED0(pthread_getattr_np(pthread_self(), &attributes));
  NEED0(pthread_attr_getstack(&attributes, &lowest, &size));
  while (!app_may_go()) app_sleep_ms(2);
  volatile char* big = alloca(size / 2);
  memset((void*)big, 0x5a, size / 2);
  CHECK_EQ("byte of a thread's stack", 0x5a, big[size / 4]);
  CHECK_EQ("guard page of a thread's stack", SIGSEGV, faults_touch((char*)lowest - 8, true));
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, work, NULL));
  deepest = 200;
  descend(0, app_wait);
  // 4 MB of the main stack, which had 100 kB.
  deepest = 8000;
  if (__SIZEOF_POINTER__ == 4) deepest = 4000;
  descend(0, nothing);
  NEED0(pthread_join(thread, NULL));
  return 0;
}
