// System calls without libc, for the restorer and the shim: x86-64 calling convention of
// syscall(2).
#pragma once

#include <linux/audit.h>
#include <stdint.h>

namespace thaw::raw {

/// What filters of system calls know this calling convention by (seccomp_data::arch).
constexpr uint32_t kAuditArch = AUDIT_ARCH_X86_64;

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

}  // namespace thaw::raw
