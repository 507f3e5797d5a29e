// What differs between CPUs: each of x86_64/, aarch64/ and arm/ implements this header. The
// freestanding half, used by the restorer and the shim, is in <cpu>/syscall.h and <cpu>/restorer.h.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "image/model.h"
#include "support/result.h"

namespace thaw::arch {

/// Written into image headers. 1 = x86_64, 2 = aarch64, 3 = armv7.
extern const uint32_t kCpu;
extern const char* const kCpuName;

/// Everything ptrace shows of a stopped thread: general registers, FP and vector state, TLS.
struct Registers {
  std::vector<uint8_t> general;  ///< NT_PRSTATUS
  std::vector<uint8_t>
      vector;  ///< x86: NT_X86_XSTATE; aarch64: NT_PRFPREG (and SVE when in use); arm: VFP
  uint64_t tls[2] = {};
};

Result<Registers> read_registers(pid_t tid);
/// Writes `general` only (what injection changes).
Result<void> write_general(pid_t tid, const Registers& registers);

uint64_t program_counter(const Registers&);
void set_program_counter(Registers&, uint64_t address);
uint64_t stack_pointer(const Registers&);

/// Fills what only this CPU has in a thread (AArch64: pointer authentication keys).
Result<void> collect_thread_extras(pid_t tid, model::Thread&);
/// Gives the calling process, which has one thread, what its future threads inherit and only a
/// tracer can set (AArch64: pointer authentication keys). Called by thaw-exec when nothing but the
/// jump into the restorer is left to do.
Result<void> take_over_extras(std::span<const model::Thread>);

/// Registers that make the thread call a system call at `instruction` (address of a system call
/// instruction).
Registers with_syscall(const Registers&, uint64_t instruction, long number,
                       std::span<const uint64_t, 6> arguments);
/// The value that the system call left, a negative errno on failure.
int64_t syscall_result(const Registers&);
/// Offset of a system call instruction in `code`, or -1.
ptrdiff_t find_syscall_instruction(std::span<const uint8_t> code);

/// A thread seized while in a system call, with the answer that the kernel was about to give.
struct Interrupted {
  bool in_syscall = false;
  long number = -1;
  int64_t result = 0;  ///< may be one of the kernel's -ERESTART* values
  uint64_t arguments[6] = {};
};
Interrupted interrupted_syscall(pid_t tid, const Registers&);
/// Makes the thread call again the system call it was stopped in (with arguments[i] as given).
void restart_syscall(Registers&, const Interrupted&);
/// Makes the system call return `result` to the thread.
void set_syscall_result(Registers&, int64_t result);

/// The signal frame that rt_sigreturn, entered with the stack pointer at `address`, turns into this
/// state.
struct SignalFrameInput {
  const Registers& registers;
  uint64_t blocked = 0;                        ///< signal mask
  uint64_t stack_address = 0, stack_size = 0;  ///< alternate signal stack
  int32_t stack_flags = 2;                     ///< SS_DISABLE
};
std::vector<uint8_t> signal_frame(const SignalFrameInput&, uint64_t address);
/// `address` above must be a multiple of this.
constexpr size_t kFrameAlignment = 64;
/// rt_sigreturn must be entered with the stack pointer at `address` plus this.
extern const size_t kFrameStackOffset;

/// CPU features as bits: an image needs all that were there when its app chose its code (HWCAP,
/// CPUID, xsave).
struct CpuFeatures {
  uint64_t words[8] = {};
};
CpuFeatures cpu_features();
/// Names of features in `needed` that this CPU lacks; empty: none.
std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present);

/// Bytes of a thread's stack, from the stack pointer up, that add_frame_features() shall see; 0:
/// none.
extern const size_t kFrameSearch;
/// Adds what a launch needs so that handlers return whose signal frames are in this part of a
/// stack.
void add_frame_features(std::span<const uint8_t> stack, CpuFeatures&);
/// Why handlers that were running at the checkpoint cannot return under this kernel; nullptr: they
/// can.
const char* frame_problem(const CpuFeatures& needed);

/// Code for an absolute jump to `target`, to be put at `from`.
std::vector<uint8_t> jump_code(uint64_t from, uint64_t target);
/// The bit of a code address that tells Thumb code; 0 where there is no such thing.
#ifdef __arm__
constexpr uint64_t kThumbBit = 1;
#else
constexpr uint64_t kThumbBit = 0;
#endif
/// Bytes that jump_code() needs at most.
extern const size_t kJumpSize;
/// Code of a function that makes a system call (number below 65536) of its first three arguments,
/// to be put at `from`.
std::vector<uint8_t> syscall_code(uint64_t from, long number);

}  // namespace thaw::arch
