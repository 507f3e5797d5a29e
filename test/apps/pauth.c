// AArch64 pointer authentication: built with -mbranch-protection=pac-ret, so that every return
// address on its stacks is signed. Two threads are checkpointed deep in calls and return after the
// restore; a pointer signed before must be what signing it again gives, with each of the keys.
#include <pthread.h>
#include <sys/auxv.h>

#include "harness.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>

enum { kDepth = 20 };
static volatile int released;

// In the hint space of old assemblers: pacia1716, pacib1716 sign x17 with x16 as modifier.
#define SIGN(instruction, value)                                \
  ({                                                            \
    register uint64_t x17 asm("x17") = (value);                 \
    register uint64_t x16 asm("x16") = 0x1234;                  \
    asm volatile("hint #" #instruction : "+r"(x17) : "r"(x16)); \
    x17;                                                        \
  })

static uint64_t signed_with(char key) {
  uint64_t value = (uint64_t)(uintptr_t)&released, result = value;
  if (key == 'A') return SIGN(8, value);
  if (key == 'B') return SIGN(10, value);
  // pacga x0, x1, x2: the generic key.
  register uint64_t x1 asm("x1") = value;
  register uint64_t x0 asm("x0");
  asm volatile(".inst 0x9ac13020" : "=r"(x0) : "r"(x1));
  result = x0;
  return result;
}

__attribute__((noinline)) static uint64_t descend(int depth, bool leader) {
  if (depth == 0) {
    if (leader) app_wait();
    while (!leader && !released) app_sleep_ms(2);
    return 1;
  }
  uint64_t below = descend(depth - 1, leader);
  asm volatile("" ::: "memory");
  return below * 3 + (uint64_t)depth;
}

static uint64_t expected(int depth) {
  return depth == 0 ? 1 : expected(depth - 1) * 3 + (uint64_t)depth;
}

static void* work(void* argument) {
  CHECK_EQ("sum of a thread", expected(kDepth), descend(kDepth, false));
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  unsigned long features = getauxval(AT_HWCAP);
  if ((features & HWCAP_PACA) == 0) SKIP("this CPU has no pointer authentication");
  const bool generic = (features & HWCAP_PACG) != 0;
  const uint64_t a = signed_with('A'), b = signed_with('B'), g = generic ? signed_with('G') : 0;
  CHECK(a != (uint64_t)(uintptr_t)&released);
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, work, NULL));
  CHECK_EQ("sum", expected(kDepth), descend(kDepth, true));
  released = 1;
  NEED0(pthread_join(thread, NULL));
  CHECK_EQ("pointer signed with key A", a, signed_with('A'));
  CHECK_EQ("pointer signed with key B", b, signed_with('B'));
  if (generic) CHECK_EQ("code of the generic key", g, signed_with('G'));
  return 0;
}
#else
int main(int argc, char** argv) {
  app_start(argc, argv);
  SKIP("pointer authentication is of AArch64");
}
#endif
