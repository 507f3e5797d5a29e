// Registers of a stopped x86-64 thread. System calls: number in rax, arguments in rdi rsi rdx r10
// r8 r9, `syscall` is two bytes (0f 05); at a ptrace stop orig_rax is the number of the call that
// the thread is in, negative if it is in none.
#include <elf.h>
#include <sys/user.h>

#include <cstring>

#include "arch/ptrace.h"

namespace thaw::arch {
namespace {

constexpr size_t kSyscallSize = 2;
constexpr size_t kMaxXsave = 16384;
constexpr size_t kXstateBv = 512;
constexpr uint64_t kAmxData = uint64_t{1} << 18;

user_regs_struct load(const Registers& registers) {
  return load_general<user_regs_struct>(registers);
}

}  // namespace

Result<Registers> read_registers(pid_t tid) {
  Registers registers;
  user_regs_struct regs = {};
  THAW_TRY(need_regset(tid, NT_PRSTATUS, &regs, sizeof(regs)));
  if (regs.cs == 0x23)
    return Error{0, "thread " + std::to_string(tid) + " runs 32-bit code",
                 "thaw needs a 64-bit program here"};
  store_general(registers, regs);
  registers.vector.resize(kMaxXsave);
  THAW_ASSIGN(size, need_regset(tid, NT_X86_XSTATE, registers.vector.data(), kMaxXsave));
  registers.vector.resize(size);
  uint64_t in_use = 0;
  if (size >= kXstateBv + 8) memcpy(&in_use, registers.vector.data() + kXstateBv, 8);
  if ((in_use & kAmxData) != 0)
    return Error{0, "thread " + std::to_string(tid) + " has AMX tiles in use",
                 "checkpoint it when it is not computing"};
  registers.tls[0] = regs.fs_base;
  registers.tls[1] = regs.gs_base;
  return registers;
}

uint64_t program_counter(const Registers& registers) {
  return load(registers).rip;
}
void set_program_counter(Registers& registers, uint64_t address) {
  user_regs_struct regs = load(registers);
  regs.rip = address;
  store_general(registers, regs);
}
uint64_t stack_pointer(const Registers& registers) {
  return load(registers).rsp;
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
  user_regs_struct regs = load(registers);
  regs.rip = instruction;
  regs.rax = static_cast<uint64_t>(number);
  regs.orig_rax = ~uint64_t{0};  // Not in a system call: the kernel must not restart anything.
  regs.rdi = arguments[0];
  regs.rsi = arguments[1];
  regs.rdx = arguments[2];
  regs.r10 = arguments[3];
  regs.r8 = arguments[4];
  regs.r9 = arguments[5];
  store_general(call, regs);
  return call;
}

int64_t syscall_result(const Registers& registers) {
  return static_cast<int64_t>(load(registers).rax);
}

ptrdiff_t find_syscall_instruction(std::span<const uint8_t> code) {
  for (size_t i = 0; i + kSyscallSize <= code.size(); ++i)
    if (code[i] == 0x0f && code[i + 1] == 0x05) return static_cast<ptrdiff_t>(i);
  return -1;
}

Interrupted interrupted_syscall(pid_t, const Registers& registers) {
  const user_regs_struct regs = load(registers);
  Interrupted call;
  call.number = static_cast<long>(regs.orig_rax);
  call.in_syscall = call.number >= 0;
  call.result = static_cast<int64_t>(regs.rax);
  const uint64_t arguments[6] = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9};
  memcpy(call.arguments, arguments, sizeof(arguments));
  return call;
}

void restart_syscall(Registers& registers, const Interrupted& call) {
  user_regs_struct regs = load(registers);
  regs.rip -= kSyscallSize;
  regs.rax = static_cast<uint64_t>(call.number);
  regs.orig_rax = ~uint64_t{0};
  regs.rdi = call.arguments[0];
  regs.rsi = call.arguments[1];
  regs.rdx = call.arguments[2];
  regs.r10 = call.arguments[3];
  regs.r8 = call.arguments[4];
  regs.r9 = call.arguments[5];
  store_general(registers, regs);
}

void answer_restarted(Registers& registers, int64_t result) {
  user_regs_struct regs = load(registers);
  regs.rip += kSyscallSize;
  regs.rax = static_cast<uint64_t>(result);
  store_general(registers, regs);
}

Result<void> skip_syscall(pid_t tid) {
  user_regs_struct regs = {};
  THAW_TRY(need_regset(tid, NT_PRSTATUS, &regs, sizeof(regs)));
  regs.orig_rax = ~uint64_t{0};
  Registers registers;
  store_general(registers, regs);
  return write_general(tid, registers);
}

}  // namespace thaw::arch
