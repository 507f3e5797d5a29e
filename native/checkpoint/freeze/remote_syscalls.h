// System calls made by a frozen thread on our behalf.
#pragma once

#include <array>
#include <cstdint>

#include "arch/arch.h"
#include "support/result.h"

namespace thaw::checkpoint {

/// Makes a stopped thread call the kernel. While it lives, the thread's signals are blocked, and
/// the process dies if we die: nobody must run on with registers that are not its own. Its end puts
/// everything back.
class RemoteSyscalls {
 public:
  /// `instruction`: address of a system call instruction in the process; `scratch`: a writable page
  /// of it; `options`: PTRACE_O_* that the thread has again afterwards.
  static Result<RemoteSyscalls> begin(pid_t tid, uint64_t instruction, uint64_t scratch,
                                      uint64_t options);
  RemoteSyscalls(RemoteSyscalls&&) noexcept;
  RemoteSyscalls& operator=(RemoteSyscalls&&) = delete;
  ~RemoteSyscalls();

  /// The kernel's answer: a negative errno on failure.
  Result<int64_t> call(long number, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0,
                       uint64_t e = 0, uint64_t f = 0);
  /// Room for arguments of at most kScratchSize bytes, in the thread's memory.
  [[nodiscard]] uint64_t scratch() const { return scratch_; }
  Result<void> write_scratch(const void* bytes, size_t size);
  template <typename T>
  Result<T> read_scratch() {
    T value = {};
    THAW_TRY(read_scratch(&value, sizeof(value)));
    return value;
  }

  static constexpr size_t kScratchSize = 512;

 private:
  RemoteSyscalls(pid_t tid, uint64_t instruction, uint64_t scratch, uint64_t options)
      : tid_(tid), instruction_(instruction), scratch_(scratch), options_(options) {}
  Result<void> read_scratch(void* bytes, size_t size);
  Result<void> step_to_syscall_stop();
  Result<void> put_back();

  pid_t tid_;
  uint64_t instruction_;
  uint64_t scratch_;
  uint64_t options_;
  arch::Registers registers_;
  uint64_t mask_ = 0;
  std::array<uint8_t, kScratchSize> saved_ = {};
};

}  // namespace thaw::checkpoint
