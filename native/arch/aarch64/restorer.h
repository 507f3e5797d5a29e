// What the freestanding restorer needs of AArch64: threads, TLS, caches, and the ways out of the
// restorer. TLS is tpidr_el0 (with SME also tpidr2_el0), written in user space; rt_sigreturn takes
// the frame at the stack pointer.
#pragma once

#include <asm/unistd.h>
#include <linux/prctl.h>
#include <stdint.h>

#include "arch/aarch64/syscall.h"
#include "image/model.h"

namespace thaw::raw {

/// Ends of the address space that user mappings can have, largest first: which one it is depends on
/// the kernel's CONFIG_ARM64_VA_BITS and on the CPU. munmap(2) refuses a range that goes beyond.
constexpr uint64_t kTaskEnds[] = {uint64_t{1} << 52, uint64_t{1} << 48, uint64_t{1} << 47,
                                  uint64_t{1} << 42, uint64_t{1} << 39, uint64_t{1} << 36};

/// clone3(2) for a thread whose stack is in `arguments`; the child calls entry(argument) and never
/// returns. The caller's answer is the new thread's id or a negative errno.
inline long clone_thread(void* arguments, unsigned long size, void (*entry)(void*),
                         void* argument) {
  register long x0 asm("x0") = reinterpret_cast<long>(arguments);
  register unsigned long x1 asm("x1") = size;
  register long x8 asm("x8") = __NR_clone3;
  register void (*x9)(void*) asm("x9") = entry;
  register void* x10 asm("x10") = argument;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "mov x0, x10\n\t"
      "blr x9\n\t"
      "brk #0\n"
      "1:"
      : "+r"(x0)
      : "r"(x1), "r"(x8), "r"(x9), "r"(x10)
      : "memory", "cc");
  return x0;
}

/// What only this CPU has in a thread, set by the thread itself before it parks. Pointer
/// authentication keys are not among it: threads inherit the leader's, which thaw-exec has set
/// (take_over_extras).
inline long set_thread_extras(const model::Thread& thread) {
  if (thread.tls[1] != 0)
    asm volatile("msr s3_3_c13_c0_5, %0" : : "r"(thread.tls[1]));  // tpidr2_el0
  if (thread.tagged_address == 0) return 0;
  return call(__NR_prctl, PR_SET_TAGGED_ADDR_CTRL, static_cast<long>(thread.tagged_address));
}

/// The thread pointer of the leader; CLONE_SETTLS sets that of the others.
inline long set_tls(const uint64_t* tls) {
  asm volatile("msr tpidr_el0, %0" : : "r"(tls[0]));
  return 0;
}

/// Jumps to the park stub of the thaw area (arch/aarch64/park.S).
[[noreturn]] inline void enter_park(uint64_t code, uint64_t frame, uint64_t word) {
  register uint64_t x19 asm("x19") = frame;
  register uint64_t x20 asm("x20") = word;
  asm volatile("br %0" : : "r"(code), "r"(x19), "r"(x20) : "memory");
  __builtin_unreachable();
}

/// Jumps to the finish stub, which unmaps [unmap, unmap + size), wakes the parked threads and
/// resumes.
[[noreturn]] inline void enter_finish(uint64_t code, uint64_t frame, uint64_t word, uint64_t unmap,
                                      uint64_t size) {
  register uint64_t x19 asm("x19") = frame;
  register uint64_t x20 asm("x20") = word;
  register uint64_t x21 asm("x21") = unmap;
  register uint64_t x22 asm("x22") = size;
  asm volatile("br %0" : : "r"(code), "r"(x19), "r"(x20), "r"(x21), "r"(x22) : "memory");
  __builtin_unreachable();
}

/// Jumps to the leave stub, which unmaps [unmap, unmap + size) and ends the thread.
[[noreturn]] inline void enter_leave(uint64_t code, uint64_t unmap, uint64_t size) {
  register uint64_t x21 asm("x21") = unmap;
  register uint64_t x22 asm("x22") = size;
  asm volatile("br %0" : : "r"(code), "r"(x21), "r"(x22) : "memory");
  __builtin_unreachable();
}

/// Where the kernel's signal frame lies, in a handler that was given these.
inline uint64_t signal_frame(const void* info, const void*) {
  return reinterpret_cast<uintptr_t>(info);
}

/// Returns from the handler of that frame; where a filter answers rt_sigreturn(2) with an error, the
/// process ends by a signal.
[[noreturn]] inline void leave_handler(uint64_t frame) {
  asm volatile(
      "mov sp, %0\n\t"
      "mov x8, %1\n\t"
      "svc #0\n\t"
      "brk #0"
      :
      : "r"(frame), "i"(__NR_rt_sigreturn)
      : "x8", "memory");
  __builtin_unreachable();
}

/// Calls entry(argument) on another stack and never returns.
[[noreturn]] inline void switch_stack(uint64_t top, uint64_t entry, void* argument) {
  register void* x0 asm("x0") = argument;
  asm volatile(
      "mov sp, %0\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "blr %1\n\t"
      "brk #0"
      :
      : "r"(top), "r"(entry), "r"(x0)
      : "memory");
  __builtin_unreachable();
}

/// pread64(2): 64-bit offsets are passed in one register here.
inline long pread(int fd, uint64_t address, uint64_t size, uint64_t offset) {
  return call(__NR_pread64, fd, static_cast<long>(address), static_cast<long>(size),
              static_cast<long>(offset));
}

/// readahead(2).
inline long readahead(int fd, uint64_t offset, uint64_t size) {
  return call(__NR_readahead, fd, static_cast<long>(offset), static_cast<long>(size));
}

/// Code that was written must reach the instruction fetch of every CPU (Arm ARM B2.4.4).
inline void sync_instructions(uint64_t start, uint64_t end) {
  uint64_t type;
  asm volatile("mrs %0, ctr_el0" : "=r"(type));
  const uint64_t instruction_line = uint64_t{4} << (type & 0xf),
                 data_line = uint64_t{4} << (type >> 16 & 0xf);
  for (uint64_t at = start & ~(data_line - 1); at < end; at += data_line)
    asm volatile("dc cvau, %0" : : "r"(at) : "memory");
  asm volatile("dsb ish" : : : "memory");
  for (uint64_t at = start & ~(instruction_line - 1); at < end; at += instruction_line)
    asm volatile("ic ivau, %0" : : "r"(at) : "memory");
  asm volatile("dsb ish\n\tisb" : : : "memory");
}

}  // namespace thaw::raw
