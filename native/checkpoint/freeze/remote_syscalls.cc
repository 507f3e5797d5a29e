#include "checkpoint/freeze/remote_syscalls.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "checkpoint/freeze/freeze.h"
#include "proc/memory.h"

namespace thaw::checkpoint {
namespace {

void* as_pointer(uint64_t value) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(value));
}

Error lost(pid_t tid, const char* what) {
  return errno_error(std::string(what) + " thread " + std::to_string(tid));
}

/// The app's own filters do not hold for what it calls on our behalf, where we may look at them
/// (CAP_SYS_ADMIN): without that, an app with filters is refused before.
bool set_options(pid_t tid) {
  constexpr uint64_t kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
  return ptrace(PTRACE_SETOPTIONS, tid, nullptr, as_pointer(kOptions | PTRACE_O_SUSPEND_SECCOMP)) ==
             0 ||
         ptrace(PTRACE_SETOPTIONS, tid, nullptr, as_pointer(kOptions)) == 0;
}

}  // namespace

Result<RemoteSyscalls> RemoteSyscalls::begin(pid_t tid, uint64_t instruction, uint64_t scratch,
                                             uint64_t options) {
  RemoteSyscalls remote(tid, instruction, scratch, options);
  THAW_ASSIGN(registers, arch::read_registers(tid));
  THAW_TRY(proc::read_memory(tid, scratch, remote.saved_.data(), kScratchSize));
  uint64_t mask = 0;
  const uint64_t all = ~uint64_t{0};
  if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(mask), &mask) != 0 || !set_options(tid) ||
      ptrace(PTRACE_SETSIGMASK, tid, sizeof(all), &all) != 0)
    return lost(tid, "cannot prepare");
  remote.mask_ = mask;
  remote.registers_ = std::move(registers);
  return remote;
}

RemoteSyscalls::RemoteSyscalls(RemoteSyscalls&& other) noexcept
    : tid_(std::exchange(other.tid_, 0)),
      instruction_(other.instruction_),
      scratch_(other.scratch_),
      options_(other.options_),
      registers_(std::move(other.registers_)),
      mask_(other.mask_),
      saved_(other.saved_) {}

RemoteSyscalls::~RemoteSyscalls() {
  // A thread whose own state cannot be put back must not run on with another.
  if (tid_ != 0 && !registers_.general.empty() && !put_back()) ::kill(tid_, SIGKILL);
}

Result<void> RemoteSyscalls::put_back() {
  THAW_TRY(proc::write_memory(tid_, scratch_, saved_.data(), kScratchSize));
  THAW_TRY(arch::write_general(tid_, registers_));
  if (ptrace(PTRACE_SETSIGMASK, tid_, sizeof(mask_), &mask_) != 0)
    return lost(tid_, "cannot put back");
  // The stop after a system call is not one where the kernel restarts an interrupted call: move the
  // thread to an interrupt stop, which it reaches before it runs any instruction.
  if (ptrace(PTRACE_INTERRUPT, tid_, nullptr, nullptr) != 0 ||
      ptrace(PTRACE_CONT, tid_, nullptr, nullptr) != 0)
    return lost(tid_, "cannot put back");
  for (;;) {
    THAW_ASSIGN(status, wait_for_stop(tid_));
    if (!WIFSTOPPED(status)) return Error{ESRCH, "thread " + std::to_string(tid_) + " ended"};
    if (status >> 16 == PTRACE_EVENT_STOP) break;
    ptrace(PTRACE_CONT, tid_, nullptr, as_pointer(static_cast<uint64_t>(WSTOPSIG(status))));
  }
  if (ptrace(PTRACE_SETOPTIONS, tid_, nullptr, as_pointer(options_)) != 0)
    return lost(tid_, "cannot put back");
  return {};
}

Result<void> RemoteSyscalls::step_to_syscall_stop() {
  if (ptrace(PTRACE_SYSCALL, tid_, nullptr, nullptr) != 0) return lost(tid_, "cannot continue");
  for (;;) {
    THAW_ASSIGN(status, wait_for_stop(tid_));
    if (!WIFSTOPPED(status)) return Error{ESRCH, "thread " + std::to_string(tid_) + " ended"};
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) return {};
    if (status >> 16 != PTRACE_EVENT_STOP)
      return Error{0, "thread " + std::to_string(tid_) + " got signal " +
                          std::to_string(WSTOPSIG(status)) + " in a system call made by thaw"};
    if (ptrace(PTRACE_SYSCALL, tid_, nullptr, nullptr) != 0) return lost(tid_, "cannot continue");
  }
}

Result<int64_t> RemoteSyscalls::call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                     uint64_t e, uint64_t f) {
  const std::array<uint64_t, 6> arguments = {a, b, c, d, e, f};
  THAW_TRY(
      arch::write_general(tid_, arch::with_syscall(registers_, instruction_, number, arguments)));
  THAW_TRY(step_to_syscall_stop());  // Entry.
  THAW_TRY(step_to_syscall_stop());  // Exit.
  THAW_ASSIGN(after, arch::read_registers(tid_));
  return arch::syscall_result(after);
}

Result<void> RemoteSyscalls::write_scratch(const void* bytes, size_t size) {
  return proc::write_memory(tid_, scratch_, bytes, size);
}

Result<void> RemoteSyscalls::read_scratch(void* bytes, size_t size) {
  return proc::read_memory(tid_, scratch_, bytes, size);
}

}  // namespace thaw::checkpoint
