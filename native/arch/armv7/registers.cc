// Registers of a stopped ARMv7 thread (EABI). System calls: number in r7, arguments in r0 to r5;
// `svc #0` is ef000000 in ARM code, df00 in Thumb code, which bit 5 of cpsr tells.
//
// When a call was interrupted and is to be restarted, the kernel has put r0 and pc back before the
// tracer sees the thread (arch/arm/kernel/signal.c, do_signal): it stands at its svc with all
// arguments. So a thread at an svc makes that call when it goes on, and whether it was in it
// already makes no difference but to relative sleeps. A kernel of AArch64 does the same for ARM
// programs. Injection must not use the svc that the thread stands at: there the kernel goes on with
// the old call.
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "arch/ptrace.h"
#include "support/file.h"

namespace thaw::arch {
namespace {

constexpr uint32_t kArmSvc = 0xef000000;
constexpr uint16_t kThumbSvc = 0xdf00;
constexpr uint32_t kThumbState = 1u << 5;
constexpr uint32_t kIfThenBits = 3u << 25 | 0x3fu << 10;  ///< ITSTATE of Thumb's conditions
constexpr size_t kVfpSize = 260;                          ///< NT_ARM_VFP: d0 to d31, fpscr
// PTRACE_GET_THREAD_AREA; glibc's sys/ptrace.h has it for ARM under another type.
constexpr int kGetThreadArea = 22;
constexpr int kSetSyscall = 23;  ///< PTRACE_SET_SYSCALL (arch/arm/include/uapi/asm/ptrace.h)

/// struct pt_regs (arch/arm/include/uapi/asm/ptrace.h).
struct GeneralRegisters {
  uint32_t r[13], sp, lr, pc, cpsr, original_r0;
};
constexpr int kNumber = 7;

GeneralRegisters load(const Registers& registers) {
  return load_general<GeneralRegisters>(registers);
}

void set_call(GeneralRegisters& regs, long number, const uint64_t (&arguments)[6]) {
  for (int i = 0; i < 6; ++i) regs.r[i] = static_cast<uint32_t>(arguments[i]);
  regs.r[kNumber] = static_cast<uint32_t>(number);
}

bool is_thumb(const GeneralRegisters& regs) {
  return (regs.cpsr & kThumbState) != 0;
}
uint32_t instruction_size(const GeneralRegisters& regs) {
  return is_thumb(regs) ? 2 : 4;
}

void* as_pointer(uint32_t value) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(value));
}

/// One word of the thread's memory, also where it can only be executed.
bool peek(pid_t tid, uint32_t address, uint32_t& word) {
  // The kernel reads aligned words only.
  uint32_t words[2] = {};
  const uint32_t aligned = address & ~3u;
  for (uint32_t i = 0; i < (aligned == address ? 1u : 2u); ++i) {
    errno = 0;
    words[i] =
        static_cast<uint32_t>(ptrace(PTRACE_PEEKDATA, tid, as_pointer(aligned + 4 * i), nullptr));
    if (errno != 0 && i == 0) return false;
  }
  memcpy(&word, reinterpret_cast<const char*>(words) + (address - aligned), sizeof(word));
  return true;
}

bool is_svc_at(pid_t tid, const GeneralRegisters& regs, uint32_t address) {
  uint32_t word = 0;
  if (!peek(tid, address, word)) return false;
  return is_thumb(regs) ? static_cast<uint16_t>(word) == kThumbSvc : word == kArmSvc;
}

/// struct timespec of the old calls (two words) or, `wide`, of the time64 ones.
bool peek_time(pid_t tid, uint32_t address, bool wide, SleepTime& time) {
  uint32_t words[4] = {};
  for (uint32_t i = 0; i < (wide ? 4u : 2u); ++i)
    if (!peek(tid, address + 4 * i, words[i])) return false;
  time.seconds = wide ? static_cast<int64_t>(uint64_t{words[1]} << 32 | words[0])
                      : static_cast<int32_t>(words[0]);
  time.nanoseconds = static_cast<int32_t>(words[wide ? 2 : 1]);
  return true;
}

/// The kernel writes what remains of an interrupted relative sleep.
bool sleep_was_interrupted(pid_t tid, long number, const uint64_t (&arguments)[6]) {
  const bool wide = number == SYS_clock_nanosleep_time64;
  uint64_t from = 0, to = 0;
  if (number == SYS_nanosleep) from = arguments[0], to = arguments[1];
  if ((wide || number == SYS_clock_nanosleep) && (arguments[1] & TIMER_ABSTIME) == 0)
    from = arguments[2], to = arguments[3];
  if (from == 0 || to == 0) return false;
  SleepTime wanted, rest;
  return peek_time(tid, static_cast<uint32_t>(from), wide, wanted) &&
         peek_time(tid, static_cast<uint32_t>(to), wide, rest) && is_rest_of_sleep(wanted, rest);
}

/// Whether the kernel says that the thread is in this system call. Kernels of AArch64 have
/// forgotten it by now.
bool kernel_knows_call(pid_t tid, long number) {
  const auto text = read_file("/proc/" + std::to_string(tid) + "/syscall");
  return text.ok() && thaw::number(text.value()) == static_cast<uint64_t>(number);
}

Interrupted call_of(const GeneralRegisters& regs) {
  Interrupted call;
  call.in_syscall = true;
  call.number = static_cast<int32_t>(regs.r[kNumber]);
  for (int i = 0; i < 6; ++i) call.arguments[i] = regs.r[i];
  return call;
}

}  // namespace

Result<Registers> read_registers(pid_t tid) {
  Registers registers;
  GeneralRegisters regs = {};
  THAW_ASSIGN(size, need_regset(tid, NT_PRSTATUS, &regs, sizeof(regs)));
  if (size != sizeof(regs))
    return Error{0, "thread " + std::to_string(tid) + " runs 64-bit code",
                 "checkpoint it with thaw for AArch64"};
  store_general(registers, regs);
  registers.vector.resize(kVfpSize);
  THAW_TRY(need_regset(tid, NT_ARM_VFP, registers.vector.data(), registers.vector.size()));
  uint32_t thread_pointer = 0;
  if (ptrace(static_cast<__ptrace_request>(kGetThreadArea), tid, nullptr, &thread_pointer) != 0)
    return errno_error("cannot read the thread pointer of thread " + std::to_string(tid));
  registers.tls[0] = thread_pointer;
  return registers;
}

uint64_t program_counter(const Registers& registers) {
  return load(registers).pc;
}
void set_program_counter(Registers& registers, uint64_t address) {
  GeneralRegisters regs = load(registers);
  regs.pc = static_cast<uint32_t>(address);
  store_general(registers, regs);
}
uint64_t stack_pointer(const Registers& registers) {
  return load(registers).sp;
}

Result<void> collect_thread_extras(pid_t, std::span<const std::string>, model::Thread&) {
  return {};
}
Result<void> take_over_extras(std::span<const model::Thread>) {
  return {};
}

Registers with_syscall(const Registers& registers, uint64_t instruction, long number,
                       std::span<const uint64_t, 6> arguments) {
  Registers call = registers;
  GeneralRegisters regs = load(registers);
  uint64_t values[6];
  std::copy(arguments.begin(), arguments.end(), values);
  set_call(regs, number, values);
  const bool thumb = (instruction & 1) != 0;
  regs.pc = static_cast<uint32_t>(instruction & ~uint64_t{1});
  regs.cpsr = (regs.cpsr & ~(kThumbState | kIfThenBits)) | (thumb ? kThumbState : 0);
  store_general(call, regs);
  return call;
}

int64_t syscall_result(const Registers& registers) {
  // Addresses in the upper half of the address space are no errors, except in its last page.
  const uint32_t result = load(registers).r[0];
  constexpr uint32_t kFirstError = static_cast<uint32_t>(-4095);
  return result >= kFirstError ? static_cast<int32_t>(result) : static_cast<int64_t>(result);
}

ptrdiff_t find_syscall_instruction(std::span<const uint8_t> code) {
  for (size_t i = 0; i + sizeof(kArmSvc) <= code.size(); i += sizeof(kArmSvc))
    if (memcmp(&code[i], &kArmSvc, sizeof(kArmSvc)) == 0) return static_cast<ptrdiff_t>(i);
  // Bit 0 stands for Thumb, as in every address of code.
  for (size_t i = 0; i + sizeof(kThumbSvc) <= code.size(); i += sizeof(kThumbSvc))
    if (memcmp(&code[i], &kThumbSvc, sizeof(kThumbSvc)) == 0) return static_cast<ptrdiff_t>(i | 1);
  return -1;
}

Interrupted interrupted_syscall(pid_t tid, const Registers& registers) {
  const GeneralRegisters regs = load(registers);
  if (is_svc_at(tid, regs, regs.pc)) {
    Interrupted call = call_of(regs);
    call.result =
        sleep_was_interrupted(tid, call.number, call.arguments) ? kRestartBlock : kRestartSys;
    return call;
  }
  const bool failed = regs.r[0] == static_cast<uint32_t>(-EINTR);
  if (!failed || !is_svc_at(tid, regs, regs.pc - instruction_size(regs)) ||
      !kernel_knows_call(tid, regs.r[kNumber]))
    return {};
  Interrupted call = call_of(regs);
  call.result = -EINTR;
  call.arguments[0] = regs.original_r0;
  return call;
}

void restart_syscall(Registers& registers, const Interrupted& call) {
  GeneralRegisters regs = load(registers);
  set_call(regs, call.number, call.arguments);
  if (call.result == -EINTR)
    regs.pc -= instruction_size(regs);  // Otherwise it stands at the svc already.
  store_general(registers, regs);
}

void answer_restarted(Registers& registers, int64_t result) {
  GeneralRegisters regs = load(registers);
  regs.pc += instruction_size(regs);
  regs.r[0] = static_cast<uint32_t>(result);
  store_general(registers, regs);
}

Result<void> skip_syscall(pid_t tid) {
  if (ptrace(static_cast<__ptrace_request>(kSetSyscall), tid, nullptr, as_pointer(~0u)) != 0)
    return errno_error("cannot hold back a system call of thread " + std::to_string(tid));
  return {};
}

}  // namespace thaw::arch
