// System calls without libc, for the restorer and the shim: EABI, number in r7, arguments in r0 to
// r5, `svc #0`.
//
// A 64-bit argument takes two registers, the low half in the lower one, and starts at an even
// register: pread64(2) is call(__NR_pread64, fd, buffer, size, 0, low, high), with r3 left out.
#pragma once

#include <linux/audit.h>
#include <stdint.h>

namespace thaw::raw {

/// What filters of system calls know this calling convention by (seccomp_data::arch).
constexpr uint32_t kAuditArch = AUDIT_ARCH_ARM;

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0) {
  register long r0 asm("r0") = a;
  register long r1 asm("r1") = b;
  register long r2 asm("r2") = c;
  register long r3 asm("r3") = d;
  register long r4 asm("r4") = e;
  register long r5 asm("r5") = f;
  long saved;
  // r7 may be the frame pointer of Thumb code, which the compiler does not lend.
  asm volatile(
      "mov %[saved], r7\n\t"
      "mov r7, %[number]\n\t"
      "svc #0\n\t"
      "mov r7, %[saved]"
      : "+r"(r0), [saved] "=&r"(saved)
      : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), [number] "r"(number)
      : "memory", "cc");
  return r0;
}

}  // namespace thaw::raw
