// What the freestanding restorer needs of x86-64: threads, TLS, and the ways out of the restorer.
// TLS is fs_base (and gs_base) set by arch_prctl(2); rt_sigreturn takes the frame at the stack
// pointer.
#pragma once

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <stdint.h>

#include "arch/x86_64/syscall.h"
#include "image/model.h"

namespace thaw::raw {

/// Ends of the address space that user mappings can have, largest first; munmap(2) refuses a range
/// that goes beyond.
constexpr uint64_t kTaskEnds[] = {0x7ffffffff000};

/// clone3(2) for a thread whose stack is in `arguments`; the child calls entry(argument) and never
/// returns. The caller's answer is the new thread's id or a negative errno.
inline long clone_thread(void* arguments, unsigned long size, void (*entry)(void*),
                         void* argument) {
  long result;
  register void (*r12)(void*) asm("r12") = entry;
  register void* r13 asm("r13") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(__NR_clone3), "D"(arguments), "S"(size), "r"(r12), "r"(r13)
      : "rcx", "r11", "memory");
  return result;
}

/// What only this CPU has in a thread, set by the thread itself before it parks. CLONE_SETTLS knows
/// fs alone.
inline long set_thread_extras(const model::Thread& thread) {
  return thread.tls[1] == 0 ? 0
                            : call(__NR_arch_prctl, ARCH_SET_GS, static_cast<long>(thread.tls[1]));
}

/// The thread pointer of the leader; CLONE_SETTLS sets that of the others.
inline long set_tls(const uint64_t* tls) {
  return call(__NR_arch_prctl, ARCH_SET_FS, static_cast<long>(tls[0]));
}

/// Jumps to the park stub of the thaw area (arch/x86_64/park.S).
[[noreturn]] inline void enter_park(uint64_t code, uint64_t frame, uint64_t word) {
  register uint64_t r12 asm("r12") = word;
  asm volatile("jmp *%0" : : "r"(code), "b"(frame), "r"(r12) : "memory");
  __builtin_unreachable();
}

/// Jumps to the finish stub, which unmaps [unmap, unmap + size), wakes the parked threads and
/// resumes.
[[noreturn]] inline void enter_finish(uint64_t code, uint64_t frame, uint64_t word, uint64_t unmap,
                                      uint64_t size) {
  register uint64_t r12 asm("r12") = word;
  register uint64_t r13 asm("r13") = unmap;
  register uint64_t r14 asm("r14") = size;
  asm volatile("jmp *%0" : : "r"(code), "b"(frame), "r"(r12), "r"(r13), "r"(r14) : "memory");
  __builtin_unreachable();
}

/// Jumps to the leave stub, which unmaps [unmap, unmap + size) and ends the thread.
[[noreturn]] inline void enter_leave(uint64_t code, uint64_t unmap, uint64_t size) {
  register uint64_t r13 asm("r13") = unmap;
  register uint64_t r14 asm("r14") = size;
  asm volatile("jmp *%0" : : "r"(code), "r"(r13), "r"(r14) : "memory");
  __builtin_unreachable();
}

/// Where the kernel's signal frame lies, in a handler that was given these.
inline uint64_t signal_frame(const void*, const void* context) {
  return reinterpret_cast<uintptr_t>(context);
}

/// Returns from the handler of that frame; where a filter answers rt_sigreturn(2) with an error, the
/// process ends by a signal.
[[noreturn]] inline void leave_handler(uint64_t frame) {
  asm volatile(
      "mov %0, %%rsp\n\t"
      "mov %1, %%eax\n\t"
      "syscall\n\t"
      "ud2"
      :
      : "r"(frame), "i"(__NR_rt_sigreturn)
      : "rax", "memory");
  __builtin_unreachable();
}

/// Calls entry(argument) on another stack and never returns.
[[noreturn]] inline void switch_stack(uint64_t top, uint64_t entry, void* argument) {
  asm volatile(
      "mov %0, %%rsp\n\t"
      "xor %%ebp, %%ebp\n\t"
      "call *%1\n\t"
      "hlt"
      :
      : "r"(top), "r"(entry), "D"(argument)
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

/// Code that was written must reach the instruction fetch: x86-64 keeps its caches coherent.
inline void sync_instructions(uint64_t, uint64_t) {}

}  // namespace thaw::raw
