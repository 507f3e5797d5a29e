// ARM: code of both instruction sets (built with -marm and with -mthumb): a thread that is stopped
// in a loop of conditional instructions without a system call, TLS through the kernel's helper page
// ([vectors], kernel_user_helpers), and a callback into the other instruction set.
#include <pthread.h>

#include "harness.h"

#if defined(__arm__)
static volatile int spinning, released;
static _Thread_local int own = 7;

/// Bit 0 of r0 to r5 are set and cleared in turns, under conditions that only the flags know.
static void* spin(void* argument) {
  uint32_t even, odd;
  own = 8;
  asm volatile(
      ".syntax unified\n"
      "mov %[even], #0\n mov %[odd], #0\n"
      "mov r3, #1\n str r3, [%[spinning]]\n"
      "1: adds r3, r3, #1\n"
      "tst r3, #1\n"
      "ite eq\n"
      "addeq %[even], %[even], #1\n"
      "addne %[odd], %[odd], #1\n"
      "ldr r2, [%[released]]\n"
      "cmp r2, #0\n beq 1b\n"
      : [even] "=&r"(even), [odd] "=&r"(odd)
      : [spinning] "r"(&spinning), [released] "r"(&released)
      : "r2", "r3", "cc", "memory");
  const uint32_t difference = even > odd ? even - odd : odd - even;
  if (difference > 1) FAIL("even %u and odd %u, expected one apart at most", even, odd);
  CHECK_EQ("thread-local variable", 8, own);
  return argument;
}

static int order(const void* a, const void* b) {
  return *(const int*)a - *(const int*)b;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  void* (*get_tls)(void) = (void* (*)(void))(uintptr_t)0xffff0fe0;
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, spin, NULL));
  while (!spinning) app_sleep_ms(1);
  void* tls = get_tls();
  app_wait();
  CHECK(get_tls() == tls && __builtin_thread_pointer() == tls);
  CHECK_EQ("thread-local variable", 7, own);
  int numbers[] = {3, 1, 2};
  qsort(numbers, 3, sizeof *numbers, order);
  CHECK(numbers[0] == 1 && numbers[2] == 3);
  released = 1;
  NEED0(pthread_join(thread, NULL));
  return 0;
}
#else
int main(int argc, char** argv) {
  app_start(argc, argv);
  SKIP("instruction sets of 32-bit ARM");
}
#endif
