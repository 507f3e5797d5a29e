// Registers of a stopped AArch64 thread. System calls: number in x8, arguments in x0 to x5, `svc
// #0` is d4000001.
//
// When a call was interrupted and is to be restarted, the kernel has put x0 and pc back before the
// tracer sees the thread (arch/arm64/kernel/signal.c, do_signal): it stands at its svc with all
// arguments, and NT_ARM_SYSTEM_CALL says that it is in no call. So a thread at an svc makes that
// call when it goes on, and whether it was in it already makes no difference but to relative
// sleeps. Where the call has failed with EINTR, x0 is lost: the app gets its EINTR, as after a stop
// signal (signal(7)).
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <time.h>

#include <cerrno>
#include <cstring>

#include "arch/aarch64/regsets.h"
#include "arch/ptrace.h"
#include "support/file.h"

namespace thaw::arch {
namespace {

constexpr uint32_t kSvc = 0xd4000001;
constexpr size_t kInstructionSize = 4;
constexpr int kFirstArgument = 0, kNumber = 8;

user_regs_struct load(const Registers& registers) {
  return load_general<user_regs_struct>(registers);
}

void set_call(user_regs_struct& regs, long number, const uint64_t (&arguments)[6]) {
  for (int i = 0; i < 6; ++i) regs.regs[kFirstArgument + i] = arguments[i];
  regs.regs[kNumber] = static_cast<uint64_t>(number);
}

/// Reads `size` bytes of the thread's memory, also where it can only be executed.
bool peek(pid_t tid, uint64_t address, void* bytes, size_t size) {
  auto* to = static_cast<uint8_t*>(bytes);
  for (size_t done = 0; done < size; done += sizeof(long)) {
    errno = 0;
    const long word =
        ptrace(PTRACE_PEEKDATA, tid, reinterpret_cast<void*>(address + done), nullptr);
    if (errno != 0) return false;
    memcpy(to + done, &word, std::min(sizeof(word), size - done));
  }
  return true;
}

/// The kernel writes what remains of an interrupted relative sleep.
bool sleep_was_interrupted(pid_t tid, long number, const uint64_t (&arguments)[6]) {
  SleepTime wanted, rest;
  uint64_t from = 0, to = 0;
  if (number == SYS_nanosleep) from = arguments[0], to = arguments[1];
  if (number == SYS_clock_nanosleep && (arguments[1] & TIMER_ABSTIME) == 0)
    from = arguments[2], to = arguments[3];
  if (from == 0 || to == 0) return false;
  return peek(tid, from, &wanted, sizeof(wanted)) && peek(tid, to, &rest, sizeof(rest)) &&
         is_rest_of_sleep(wanted, rest);
}

/// SVE registers beyond the FP registers that they contain, if the thread uses them.
Result<void> append_sve(pid_t tid, std::vector<uint8_t>& vector) {
  std::vector<uint8_t> sve(kMostSve);
  THAW_ASSIGN(size, get_regset(tid, NT_ARM_SVE, sve.data(), sve.size()));
  if (size < sizeof(SveHeader)) return {};
  SveHeader header;
  memcpy(&header, sve.data(), sizeof(header));
  if ((header.flags & kSveRegisters) == 0) return {};
  vector.insert(vector.end(), sve.begin(), sve.begin() + static_cast<ptrdiff_t>(size));
  return {};
}

}  // namespace

Result<Registers> read_registers(pid_t tid) {
  Registers registers;
  user_regs_struct regs = {};
  THAW_ASSIGN(size, get_regset(tid, NT_PRSTATUS, &regs, sizeof(regs)));
  if (size != sizeof(regs))
    return Error{0, "thread " + std::to_string(tid) + " runs 32-bit code",
                 "thaw for AArch64 needs a 64-bit program"};
  store_general(registers, regs);
  registers.vector.resize(kFpsimdSize);
  THAW_ASSIGN(fp_size, get_regset(tid, NT_PRFPREG, registers.vector.data(), kFpsimdSize));
  if (fp_size != kFpsimdSize)
    return Error{0, "the kernel shows no FP registers of thread " + std::to_string(tid)};
  THAW_TRY(append_sve(tid, registers.vector));
  THAW_TRY(get_regset(tid, NT_ARM_TLS, registers.tls, sizeof(registers.tls)));
  return registers;
}

uint64_t program_counter(const Registers& registers) {
  return load(registers).pc;
}
void set_program_counter(Registers& registers, uint64_t address) {
  user_regs_struct regs = load(registers);
  regs.pc = address;
  store_general(registers, regs);
}
uint64_t stack_pointer(const Registers& registers) {
  return load(registers).sp;
}

Registers with_syscall(const Registers& registers, uint64_t instruction, long number,
                       std::span<const uint64_t, 6> arguments) {
  // PSR_BTYPE: a guarded page takes it for a branch to no landing pad.
  constexpr uint64_t kBranchType = uint64_t{3} << 10;
  Registers call = registers;
  user_regs_struct regs = load(registers);
  uint64_t values[6];
  std::copy(arguments.begin(), arguments.end(), values);
  set_call(regs, number, values);
  regs.pc = instruction;
  regs.pstate &= ~kBranchType;
  store_general(call, regs);
  return call;
}

int64_t syscall_result(const Registers& registers) {
  return static_cast<int64_t>(load(registers).regs[0]);
}

ptrdiff_t find_syscall_instruction(std::span<const uint8_t> code) {
  for (size_t i = 0; i + kInstructionSize <= code.size(); i += kInstructionSize)
    if (memcmp(&code[i], &kSvc, sizeof(kSvc)) == 0) return static_cast<ptrdiff_t>(i);
  return -1;
}

namespace {

/// A call that the kernel answers with EINTR instead of restarting it. The answer has taken the
/// place of its first argument in x0; only /proc/PID/syscall (proc_pid_syscall(5)) still knows
/// that, as "NUMBER 0xARGUMENT ...".
Interrupted answered_syscall(pid_t tid, const user_regs_struct& regs) {
  Interrupted call;
  uint32_t instruction = 0;
  if (static_cast<int64_t>(regs.regs[0]) != -EINTR ||
      !peek(tid, regs.pc - sizeof(instruction), &instruction, sizeof(instruction)) ||
      instruction != kSvc)
    return call;
  const auto text = read_file("/proc/" + std::to_string(tid) + "/syscall");
  if (!text) return call;
  const auto parts = split(text.value(), " \n");
  if (parts.size() < 2 || number(parts[0]) != regs.regs[kNumber] || !parts[1].starts_with("0x"))
    return call;
  call.in_syscall = true;
  call.number = static_cast<int32_t>(regs.regs[kNumber]);
  call.result = -EINTR;
  for (int i = 1; i < 6; ++i) call.arguments[i] = regs.regs[kFirstArgument + i];
  call.arguments[0] = number(parts[1].substr(2), 16);
  return call;
}

}  // namespace

Interrupted interrupted_syscall(pid_t tid, const Registers& registers) {
  const user_regs_struct regs = load(registers);
  Interrupted call;
  uint32_t instruction = 0;
  if (!peek(tid, regs.pc, &instruction, sizeof(instruction)) || instruction != kSvc)
    return answered_syscall(tid, regs);
  call.in_syscall = true;
  call.number = static_cast<int32_t>(regs.regs[kNumber]);
  for (int i = 0; i < 6; ++i) call.arguments[i] = regs.regs[kFirstArgument + i];
  call.result =
      sleep_was_interrupted(tid, call.number, call.arguments) ? kRestartBlock : kRestartSys;
  return call;
}

void restart_syscall(Registers& registers, const Interrupted& call) {
  user_regs_struct regs = load(registers);
  set_call(regs, call.number, call.arguments);
  if (call.result == -EINTR)
    regs.pc -= sizeof(uint32_t);  // Otherwise it stands at the svc already.
  store_general(registers, regs);
}

void answer_restarted(Registers& registers, int64_t result) {
  user_regs_struct regs = load(registers);
  regs.pc += sizeof(uint32_t);
  regs.regs[0] = static_cast<uint64_t>(result);
  store_general(registers, regs);
}

Result<void> skip_syscall(pid_t tid) {
  int none = -1;
  iovec iov = {&none, sizeof(none)};
  if (ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &iov) != 0)
    return errno_error("cannot hold back a system call of thread " + std::to_string(tid));
  return {};
}

}  // namespace thaw::arch
