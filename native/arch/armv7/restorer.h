// What the freestanding restorer needs of ARMv7: threads, TLS, caches, and the ways out of the
// restorer. TLS is tpidruro, set by a call of the ARM private range; rt_sigreturn takes the frame
// at the stack pointer.
#pragma once

#include <asm/unistd.h>
#include <stdint.h>

#include "arch/armv7/syscall.h"
#include "image/model.h"

namespace thaw::raw {

/// Ends of the address space that user mappings can have, largest first: that of an AArch64 kernel,
/// and those of the ARM kernel's VMSPLIT choices. munmap(2) refuses a range that goes beyond.
constexpr uint64_t kTaskEnds[] = {0xfffff000, 0xffff0000, 0xbf000000,
                                  0xaf000000, 0x7f000000, 0x3f000000};

/// clone3(2) for a thread whose stack is in `arguments`; the child calls entry(argument) and never
/// returns. The caller's answer is the new thread's id or a negative errno.
inline long clone_thread(void* arguments, unsigned long size, void (*entry)(void*),
                         void* argument) {
  register long r0 asm("r0") = reinterpret_cast<long>(arguments);
  register unsigned long r1 asm("r1") = size;
  register void (*r2)(void*) asm("r2") = entry;
  register void* r3 asm("r3") = argument;
  long saved;
  asm volatile(
      "mov %[saved], r7\n\t"
      "mov r7, %[number]\n\t"
      "svc #0\n\t"
      "mov r7, %[saved]\n\t"
      "cmp r0, #0\n\t"
      "bne 1f\n\t"
      "mov lr, #0\n\t"
      "mov r0, r3\n\t"
      "blx r2\n\t"
      "udf #0\n"
      "1:"
      : "+r"(r0), [saved] "=&r"(saved)
      : "r"(r1), "r"(r2), "r"(r3), [number] "r"(__NR_clone3)
      : "memory", "cc", "lr");
  return r0;
}

/// What only this CPU has in a thread: nothing.
inline long set_thread_extras(const model::Thread&) {
  return 0;
}

/// The thread pointer of the leader; CLONE_SETTLS sets that of the others.
inline long set_tls(const uint64_t* tls) {
  return call(__ARM_NR_set_tls, static_cast<long>(tls[0]));
}

/// Jumps to the park stub of the thaw area (arch/armv7/park.S).
[[noreturn]] inline void enter_park(uint64_t code, uint64_t frame, uint64_t word) {
  register uint32_t r4 asm("r4") = static_cast<uint32_t>(frame);
  register uint32_t r5 asm("r5") = static_cast<uint32_t>(word);
  asm volatile("bx %0" : : "r"(static_cast<uint32_t>(code)), "r"(r4), "r"(r5) : "memory");
  __builtin_unreachable();
}

/// Jumps to the finish stub, which unmaps [unmap, unmap + size), wakes the parked threads and
/// resumes.
[[noreturn]] inline void enter_finish(uint64_t code, uint64_t frame, uint64_t word, uint64_t unmap,
                                      uint64_t size) {
  register uint32_t r4 asm("r4") = static_cast<uint32_t>(frame);
  register uint32_t r5 asm("r5") = static_cast<uint32_t>(word);
  register uint32_t r6 asm("r6") = static_cast<uint32_t>(unmap);
  register uint32_t r8 asm("r8") = static_cast<uint32_t>(size);
  asm volatile("bx %0"
               :
               : "r"(static_cast<uint32_t>(code)), "r"(r4), "r"(r5), "r"(r6), "r"(r8)
               : "memory");
  __builtin_unreachable();
}

/// Jumps to the leave stub, which unmaps [unmap, unmap + size) and ends the thread.
[[noreturn]] inline void enter_leave(uint64_t code, uint64_t unmap, uint64_t size) {
  register uint32_t r6 asm("r6") = static_cast<uint32_t>(unmap);
  register uint32_t r8 asm("r8") = static_cast<uint32_t>(size);
  asm volatile("bx %0" : : "r"(static_cast<uint32_t>(code)), "r"(r6), "r"(r8) : "memory");
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
      "mov r7, %1\n\t"
      "svc #0\n\t"
      "udf #0"
      :
      : "r"(static_cast<uint32_t>(frame)), "i"(__NR_rt_sigreturn)
      : "memory");
  __builtin_unreachable();
}

/// Calls entry(argument) on another stack and never returns.
[[noreturn]] inline void switch_stack(uint64_t top, uint64_t entry, void* argument) {
  register void* r0 asm("r0") = argument;
  asm volatile(
      "mov sp, %0\n\t"
      "mov lr, #0\n\t"
      "blx %1\n\t"
      "udf #0"
      :
      : "r"(static_cast<uint32_t>(top)), "r"(static_cast<uint32_t>(entry)), "r"(r0)
      : "memory");
  __builtin_unreachable();
}

/// pread64(2): the 64-bit offset takes r4 and r5, r3 is left out.
inline long pread(int fd, uint64_t address, uint64_t size, uint64_t offset) {
  return call(__NR_pread64, fd, static_cast<long>(address), static_cast<long>(size), 0,
              static_cast<long>(static_cast<uint32_t>(offset)), static_cast<long>(offset >> 32));
}

/// readahead(2): the 64-bit offset takes r2 and r3, r1 is left out.
inline long readahead(int fd, uint64_t offset, uint64_t size) {
  return call(__NR_readahead, fd, 0, static_cast<long>(static_cast<uint32_t>(offset)),
              static_cast<long>(offset >> 32), static_cast<long>(size));
}

/// Code that was written must reach the instruction fetch: cache maintenance is the kernel's here.
inline void sync_instructions(uint64_t start, uint64_t end) {
  call(__ARM_NR_cacheflush, static_cast<long>(start), static_cast<long>(end), 0);
}

}  // namespace thaw::raw
