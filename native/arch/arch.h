// What differs between CPUs: each folder here implements this header for one CPU. The freestanding
// half, used by the restorer and the shim, is in <cpu>/syscall.h and <cpu>/restorer.h.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/model.h"
#include "support/file.h"
#include "support/result.h"

namespace thaw::arch {

/// CPU features as bits: an image needs all that were there when its app chose its code (HWCAP,
/// CPUID, xsave). Each CPU has its own use of the words.
struct CpuFeatures {
  uint64_t words[8] = {};
};

struct Cpu {
  uint32_t number;   ///< in image headers
  const char* name;  ///< of its folder here, of build/<name>/, in messages
  /// Names of features in `needed` that `present` lacks; empty: none.
  std::string (*missing_features)(const CpuFeatures& needed, const CpuFeatures& present);
};
/// The CPU that this is compiled for.
extern const Cpu& kThisCpu;
/// Features of the CPU that this runs on.
CpuFeatures cpu_features();

/// Everything ptrace shows of a stopped thread: general registers, FP and vector state, TLS.
struct Registers {
  std::vector<uint8_t> general;  ///< NT_PRSTATUS
  std::vector<uint8_t> vector;   ///< as signal_frame() of the CPU takes it
  uint64_t tls[2] = {};
};

Result<Registers> read_registers(pid_t tid);
/// Writes `general` only (what injection changes).
Result<void> write_general(pid_t tid, const Registers& registers);

uint64_t program_counter(const Registers&);
void set_program_counter(Registers&, uint64_t address);
uint64_t stack_pointer(const Registers&);

/// Fills what only this CPU has in a thread (AArch64: pointer authentication keys). Guards named in
/// `guards_off` are left out, for tests.
Result<void> collect_thread_extras(pid_t tid, std::span<const std::string> guards_off,
                                   model::Thread&);
/// Gives the calling process, which has one thread, what its future threads inherit and only a
/// tracer can set (AArch64: pointer authentication keys). Called by thaw-exec when nothing but the
/// jump into the restorer is left to do.
Result<void> take_over_extras(std::span<const model::Thread>);

/// A setting that a launch does not bring back, and the system call that tells of it.
struct Setting {
  const char* name;       ///< of what sets it
  bool of_thread;         ///< else the process has one
  long number;            ///< of the system call
  uint64_t arguments[5];  ///< kScratch: the address of room for an answer
  uint32_t answer_size;   ///< bytes of the answer there; 0: the call's result is the answer
  static constexpr uint64_t kScratch = 0x5c4a7c4;
};
/// Those that only this CPU has.
std::span<const Setting> cpu_settings();

/// Whether a signal frame holds what a thread may do with each protection key (pkeys(7)).
extern const bool kKeepsKeyRights;
/// How many protection keys the CPU has, key 0 among them; 1: no others.
extern const uint32_t kProtectionKeys;

/// Registers that make the thread call a system call at `instruction` (address of a system call
/// instruction).
Registers with_syscall(const Registers&, uint64_t instruction, long number,
                       std::span<const uint64_t, 6> arguments);
/// The value that the system call left, a negative errno on failure.
int64_t syscall_result(const Registers&);
/// Offset of a system call instruction in `code`, or -1.
ptrdiff_t find_syscall_instruction(std::span<const uint8_t> code);

/// Answers by which the kernel tells itself how to restart an interrupted system call
/// (include/linux/errno.h of the kernel). User space never sees them, but ptrace does.
constexpr int64_t kRestartSys = -512, kRestartNoIntr = -513, kRestartNoHand = -514,
                  kRestartBlock = -516;

/// A thread seized while in a system call, with the answer that the kernel was about to give.
struct Interrupted {
  bool in_syscall = false;
  long number = -1;
  int64_t result = 0;  ///< may be one of the above
  uint64_t arguments[6] = {};
};
Interrupted interrupted_syscall(pid_t tid, const Registers&);
/// Makes the thread call again the system call it was stopped in (with arguments[i] as given).
void restart_syscall(Registers&, const Interrupted&);
/// Has the thread get `result` instead of making the call that it would make again.
void answer_restarted(Registers&, int64_t result);
/// Has a thread that stands at the entry of a system call leave it out: the stop at its exit is next.
Result<void> skip_syscall(pid_t tid);

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
/// Where the frame has registers that may hold numbers, from where rt_sigreturn is entered: general
/// ones, and those of vectors, where compilers keep them as well. Other parts of it hold addresses,
/// selectors and control words.
extern const std::span<const AddressRange> kFrameRegisters;

/// Bytes of a thread's stack, from the stack pointer up, that add_frame_features() shall see.
extern const size_t kFrameSearch;
/// Adds what a launch needs so that handlers return whose signal frames are in this part of a
/// stack.
void add_frame_features(std::span<const uint8_t> stack, CpuFeatures&);
/// Why handlers that were running at the checkpoint cannot return under this kernel; nullptr: they
/// can.
const char* frame_problem(const CpuFeatures& needed);

/// Code for an absolute jump to `target`, to be put at `from`.
std::vector<uint8_t> jump_code(uint64_t from, uint64_t target);
/// Where the first instruction is of a function that is called at `address` (ARMv7: bit 0 tells
/// Thumb code).
uint64_t instruction_address(uint64_t address);
/// Whether the function called at `address`, whose code begins `code`, returns without a call, a
/// jump elsewhere or a system call: it does nothing but change memory. False for all that is not
/// understood.
bool is_plain_leaf(std::span<const uint8_t> code, uint64_t address);
/// Bytes that jump_code() needs at most.
extern const size_t kJumpSize;
/// Code of a function that makes a system call (number below 65536) of its first three arguments,
/// to be put at `from`.
std::vector<uint8_t> syscall_code(uint64_t from, long number);
/// The vDSO's function that signal handlers return to and that is complete in itself; empty: none.
extern const std::string_view kVdsoSignalReturn;

}  // namespace thaw::arch
