// AArch64 SVE: vector and predicate registers, all of their length, of a thread that spins without
// a system call (which would let the kernel discard them).
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "harness.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>

enum { kMostBytes = 256 };
static volatile int spinning, released;
static _Alignas(16) unsigned char in[4][kMostBytes], out[4][kMostBytes];
static _Alignas(16) unsigned char predicate_in[kMostBytes / 8], predicate_out[kMostBytes / 8];

static void* spin(void* argument) {
  asm volatile(
      ".arch_extension sve\n"
      "ldr z0, [%[in]]\n"
      "add x9, %[in], %[step]\n ldr z7, [x9]\n"
      "add x9, x9, %[step]\n ldr z20, [x9]\n"
      "add x9, x9, %[step]\n ldr z31, [x9]\n"
      "ldr p3, [%[pin]]\n"
      "mov w9, #1\n str w9, [%[spinning]]\n"
      "1: ldr w9, [%[released]]\n cbz w9, 1b\n"
      "str z0, [%[out]]\n"
      "add x9, %[out], %[step]\n str z7, [x9]\n"
      "add x9, x9, %[step]\n str z20, [x9]\n"
      "add x9, x9, %[step]\n str z31, [x9]\n"
      "str p3, [%[pout]]\n"
      :
      : [in] "r"(in), [out] "r"(out), [pin] "r"(predicate_in), [pout] "r"(predicate_out),
        [spinning] "r"(&spinning), [released] "r"(&released), [step] "r"((long)kMostBytes)
      : "x9", "v0", "v7", "v20", "v31", "memory");
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  if ((getauxval(AT_HWCAP) & HWCAP_SVE) == 0) SKIP("this CPU has no SVE");
  const size_t length = (size_t)prctl(PR_SVE_GET_VL) & PR_SVE_VL_LEN_MASK;
  app_fill(in, sizeof in, 1);
  app_fill(predicate_in, sizeof predicate_in, 2);
  pthread_t thread;
  NEED0(pthread_create(&thread, NULL, spin, NULL));
  while (!spinning) app_sleep_ms(1);
  app_wait();
  released = 1;
  NEED0(pthread_join(thread, NULL));
  CHECK_EQ("vector length", length, prctl(PR_SVE_GET_VL) & PR_SVE_VL_LEN_MASK);
  for (int i = 0; i < 4; i++)
    if (memcmp(in[i], out[i], length) != 0) FAIL("vector register %d, expected the same bytes", i);
  if (memcmp(predicate_in, predicate_out, length / 8) != 0)
    FAIL("predicate register, expected the same bytes");
  return 0;
}
#else
int main(int argc, char** argv) {
  app_start(argc, argv);
  SKIP("SVE is of AArch64");
}
#endif
