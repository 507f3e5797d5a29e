// No signal may be handled while there is no memory to handle it in.
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "support/result.h"

namespace thaw::launch {

/// Blocks every signal, those that libc keeps for itself among them, from block() until it is
/// destroyed.
class SignalBlock {
 public:
  SignalBlock() = default;
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;
  ~SignalBlock() {
    if (blocked_) syscall(SYS_rt_sigprocmask, SIG_SETMASK, &callers_, nullptr, sizeof(callers_));
  }

  /// Where they are blocked by this already, nothing.
  Result<void> block() {
    if (blocked_) return {};
    const uint64_t all = ~uint64_t{0};
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &callers_, sizeof(all)) != 0)
      return errno_error("cannot block signals");
    blocked_ = true;
    return {};
  }

  /// The mask that a cold start gets back.
  [[nodiscard]] uint64_t callers_mask() const { return callers_; }

 private:
  uint64_t callers_ = 0;
  bool blocked_ = false;
};

}  // namespace thaw::launch
