// Floating point and vector registers of a thread that spins without a system call, and the
// rounding mode of one that waits in a call.
#include <fenv.h>
#include <pthread.h>

#include "harness.h"

static volatile int spinning;
static volatile int released;

#if defined(__x86_64__)

struct vectors {
  _Alignas(64) unsigned char bytes[32][64];
};
static struct vectors in, out;

// Each spin loads all registers, waits for `released`, and stores them, in one asm: the compiler
// has no say in between.
static void spin_sse(void) {
  asm volatile(
      "movups 0(%0), %%xmm0\n movups 64(%0), %%xmm1\n movups 128(%0), %%xmm2\n movups 192(%0), "
      "%%xmm3\n"
      "movups 256(%0), %%xmm4\n movups 320(%0), %%xmm5\n movups 384(%0), %%xmm6\n movups 448(%0), "
      "%%xmm7\n"
      "movups 512(%0), %%xmm8\n movups 576(%0), %%xmm9\n movups 640(%0), %%xmm10\n movups 704(%0), "
      "%%xmm11\n"
      "movups 768(%0), %%xmm12\n movups 832(%0), %%xmm13\n movups 896(%0), %%xmm14\n movups "
      "960(%0), %%xmm15\n"
      "movl $1, %2\n 1: pause\n cmpl $0, %3\n je 1b\n"
      "movups %%xmm0, 0(%1)\n movups %%xmm1, 64(%1)\n movups %%xmm2, 128(%1)\n movups %%xmm3, "
      "192(%1)\n"
      "movups %%xmm4, 256(%1)\n movups %%xmm5, 320(%1)\n movups %%xmm6, 384(%1)\n movups %%xmm7, "
      "448(%1)\n"
      "movups %%xmm8, 512(%1)\n movups %%xmm9, 576(%1)\n movups %%xmm10, 640(%1)\n movups %%xmm11, "
      "704(%1)\n"
      "movups %%xmm12, 768(%1)\n movups %%xmm13, 832(%1)\n movups %%xmm14, 896(%1)\n movups "
      "%%xmm15, 960(%1)\n"
      :
      : "r"(&in), "r"(&out), "m"(spinning), "m"(released)
      : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  for (int i = 0; i < 16; i++)
    if (memcmp(in.bytes[i], out.bytes[i], 16) != 0)
      FAIL("xmm%d, expected as loaded, got other bytes", i);
}

static void spin_avx(void) {
  asm volatile(
      "vmovups 0(%0), %%ymm0\n vmovups 64(%0), %%ymm1\n vmovups 128(%0), %%ymm2\n vmovups 192(%0), "
      "%%ymm3\n"
      "vmovups 256(%0), %%ymm4\n vmovups 320(%0), %%ymm5\n vmovups 384(%0), %%ymm6\n vmovups "
      "448(%0), %%ymm7\n"
      "vmovups 512(%0), %%ymm8\n vmovups 576(%0), %%ymm9\n vmovups 640(%0), %%ymm10\n vmovups "
      "704(%0), %%ymm11\n"
      "vmovups 768(%0), %%ymm12\n vmovups 832(%0), %%ymm13\n vmovups 896(%0), %%ymm14\n vmovups "
      "960(%0), %%ymm15\n"
      "movl $1, %2\n 1: pause\n cmpl $0, %3\n je 1b\n"
      "vmovups %%ymm0, 0(%1)\n vmovups %%ymm1, 64(%1)\n vmovups %%ymm2, 128(%1)\n vmovups %%ymm3, "
      "192(%1)\n"
      "vmovups %%ymm4, 256(%1)\n vmovups %%ymm5, 320(%1)\n vmovups %%ymm6, 384(%1)\n vmovups "
      "%%ymm7, 448(%1)\n"
      "vmovups %%ymm8, 512(%1)\n vmovups %%ymm9, 576(%1)\n vmovups %%ymm10, 640(%1)\n vmovups "
      "%%ymm11, 704(%1)\n"
      "vmovups %%ymm12, 768(%1)\n vmovups %%ymm13, 832(%1)\n vmovups %%ymm14, 896(%1)\n vmovups "
      "%%ymm15, 960(%1)\n"
      "vzeroupper\n"
      :
      : "r"(&in), "r"(&out), "m"(spinning), "m"(released)
      : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  for (int i = 0; i < 16; i++)
    if (memcmp(in.bytes[i], out.bytes[i], 32) != 0)
      FAIL("ymm%d, expected as loaded, got other bytes", i);
}

// Some of the registers that only AVX-512 has: the upper half of the file, a full width, a mask.
__attribute__((target("avx512f"))) static void spin_avx512(void) {
  uint32_t mask = 0;
  asm volatile(
      "vmovups 0(%1), %%zmm0\n vmovups 64(%1), %%zmm16\n vmovups 128(%1), %%zmm24\n vmovups "
      "192(%1), %%zmm31\n"
      "movl $0x5aa5, %%eax\n kmovw %%eax, %%k3\n"
      "movl $1, %3\n 1: pause\n cmpl $0, %4\n je 1b\n"
      "vmovups %%zmm0, 0(%2)\n vmovups %%zmm16, 64(%2)\n vmovups %%zmm24, 128(%2)\n vmovups "
      "%%zmm31, 192(%2)\n"
      "kmovw %%k3, %%eax\n movl %%eax, %0\n vzeroupper\n"
      : "=m"(mask)
      : "r"(&in), "r"(&out), "m"(spinning), "m"(released)
      : "memory", "eax", "xmm0", "xmm16", "xmm24", "xmm31", "k3");
  for (int i = 0; i < 4; i++)
    if (memcmp(in.bytes[i], out.bytes[i], 64) != 0)
      FAIL("zmm register %d, expected as loaded, got other bytes", i);
  CHECK_EQ("mask register k3", 0x5aa5, mask);
}

static void spin_vectors(void) {
  app_fill(&in, sizeof in, 7);
  if (__builtin_cpu_supports("avx512f"))
    spin_avx512();
  else if (__builtin_cpu_supports("avx"))
    spin_avx();
  else
    spin_sse();
}

// The x87 stack and control word, and MXCSR.
static void* spin_control(void* argument) {
  unsigned short control = 0x0c7f, control_after = 0;
  unsigned mxcsr = 0x7f80, mxcsr_before, mxcsr_after = 0;
  double deep = 2.5, top = -1.25, deep_after = 0, top_after = 0;
  asm volatile("stmxcsr %0" : "=m"(mxcsr_before));
  asm volatile(
      "ldmxcsr %4\n fldcw %5\n fldl %6\n fldl %7\n"
      "1: pause\n cmpl $0, %8\n je 1b\n"
      "fstpl %3\n fstpl %2\n fnstcw %1\n stmxcsr %0\n fninit\n"
      : "=m"(mxcsr_after), "=m"(control_after), "=m"(deep_after), "=m"(top_after)
      : "m"(mxcsr), "m"(control), "m"(deep), "m"(top), "m"(released)
      : "memory", "st", "st(1)");
  asm volatile("ldmxcsr %0" : : "m"(mxcsr_before));
  CHECK_EQ("MXCSR", mxcsr, mxcsr_after & ~0x3fu);
  CHECK_EQ("x87 control word", control, control_after);
  CHECK(deep_after == deep && top_after == top);
  return argument;
}

#elif defined(__aarch64__)

static struct { _Alignas(64) unsigned char bytes[32][16]; } in, out;

static void spin_vectors(void) {
  app_fill(&in, sizeof in, 7);
  asm volatile(
      "mov x9, %0\n ld1 {v0.16b-v3.16b}, [x9], #64\n ld1 {v4.16b-v7.16b}, [x9], #64\n"
      "ld1 {v8.16b-v11.16b}, [x9], #64\n ld1 {v12.16b-v15.16b}, [x9], #64\n"
      "ld1 {v16.16b-v19.16b}, [x9], #64\n ld1 {v20.16b-v23.16b}, [x9], #64\n"
      "ld1 {v24.16b-v27.16b}, [x9], #64\n ld1 {v28.16b-v31.16b}, [x9]\n"
      "mov w10, #1\n str w10, [%2]\n 1: yield\n ldr w10, [%3]\n cbz w10, 1b\n"
      "mov x9, %1\n st1 {v0.16b-v3.16b}, [x9], #64\n st1 {v4.16b-v7.16b}, [x9], #64\n"
      "st1 {v8.16b-v11.16b}, [x9], #64\n st1 {v12.16b-v15.16b}, [x9], #64\n"
      "st1 {v16.16b-v19.16b}, [x9], #64\n st1 {v20.16b-v23.16b}, [x9], #64\n"
      "st1 {v24.16b-v27.16b}, [x9], #64\n st1 {v28.16b-v31.16b}, [x9]\n"
      :
      : "r"(&in), "r"(&out), "r"(&spinning), "r"(&released)
      : "memory", "x9", "x10", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",
        "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23",
        "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
  if (memcmp(&in, &out, sizeof in) != 0) FAIL("v0 to v31, expected as loaded, got other bytes");
}

static void* spin_control(void* argument) {
  uint64_t control = 1u << 24 | 2u << 22, after;  // flush to zero, round down
  asm volatile(
      "msr fpcr, %1\n 1: yield\n ldr w10, [%2]\n cbz w10, 1b\n mrs %0, fpcr\n msr fpcr, xzr\n"
      : "=&r"(after)
      : "r"(control), "r"(&released)
      : "memory", "x10");
  CHECK_EQ("FPCR", control, after);
  return argument;
}

#elif defined(__arm__)

static struct { _Alignas(64) unsigned char bytes[16][8]; } in, out;

static void spin_vectors(void) {
  app_fill(&in, sizeof in, 7);
  asm volatile(
      "vldmia %0, {d0-d15}\n mov r4, #1\n str r4, [%2]\n 1: ldr r4, [%3]\n cmp r4, #0\n beq 1b\n"
      "vstmia %1, {d0-d15}\n"
      :
      : "r"(&in), "r"(&out), "r"(&spinning), "r"(&released)
      : "memory", "cc", "r4", "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10",
        "d11", "d12", "d13", "d14", "d15");
  if (memcmp(&in, &out, sizeof in) != 0) FAIL("d0 to d15, expected as loaded, got other bytes");
}

static void* spin_control(void* argument) {
  uint32_t control = 1u << 24 | 2u << 22, after;  // flush to zero, round down
  asm volatile(
      "vmsr fpscr, %1\n 1: ldr r4, [%2]\n cmp r4, #0\n beq 1b\n vmrs %0, fpscr\n mov r4, #0\n vmsr "
      "fpscr, r4\n"
      : "=&r"(after)
      : "r"(control), "r"(&released)
      : "memory", "cc", "r4");
  CHECK_EQ("FPSCR", control, after & 0x07c00000u);
  return argument;
}

#endif

static void* spin(void* argument) {
  spin_vectors();
  return argument;
}

static void* wait_rounding_up(void* argument) {
  CHECK_EQ("fesetround", 0, fesetround(FE_UPWARD));
  while (!released) app_sleep_ms(5);
  CHECK_EQ("rounding mode", FE_UPWARD, fegetround());
  volatile double one = 1.0, tiny = 1e-30;
  CHECK(one + tiny > one);
  return argument;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  pthread_t threads[3];
  NEED0(pthread_create(&threads[0], NULL, spin, NULL));
  NEED0(pthread_create(&threads[1], NULL, spin_control, NULL));
  NEED0(pthread_create(&threads[2], NULL, wait_rounding_up, NULL));
  while (!spinning) app_sleep_ms(1);
  app_wait();
  released = 1;
  for (int i = 0; i < 3; i++) NEED0(pthread_join(threads[i], NULL));
  CHECK_EQ("main thread's rounding mode", FE_TONEAREST, fegetround());
  return 0;
}
