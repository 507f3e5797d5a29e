// System calls without libc, for the restorer and the shim: number in x8, arguments in x0 to x5,
// `svc #0`. All else but the result in x0 is preserved. 64-bit arguments take one register.
#pragma once

#include <linux/audit.h>
#include <stdint.h>

namespace thaw::raw {

/// What filters of system calls know this calling convention by (seccomp_data::arch).
constexpr uint32_t kAuditArch = AUDIT_ARCH_AARCH64;

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0) {
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  register long x8 asm("x8") = number;
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
               : "memory", "cc");
  return x0;
}

}  // namespace thaw::raw
