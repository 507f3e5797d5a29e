// No signal may be handled while there is no memory to handle it in.
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace thaw::launch {

/// Blocks every signal, those that libc keeps for itself among them, until it is destroyed.
class SignalBlock {
 public:
  SignalBlock() {
    const uint64_t all = ~uint64_t{0};
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &callers_, sizeof(all));
  }
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;
  ~SignalBlock() { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &callers_, nullptr, sizeof(callers_)); }

  /// The mask that a cold start gets back.
  [[nodiscard]] uint64_t callers_mask() const { return callers_; }

 private:
  uint64_t callers_ = 0;
};

}  // namespace thaw::launch
