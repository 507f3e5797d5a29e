// From system calls to what the kernel tells nobody afterwards (support/seen_calls.h).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "support/seen_calls.h"

namespace thaw::inputs {

/// A system call of that kind that a thread is in.
struct KeptCall {
  enum class Kind : uint8_t {
    none,
    arm,
    arm_64,
    disarm,
    bind,
    hide,
    tracer,
    semaphores,
    message_queue,
  } kind = Kind::none;
  int number = -1;  ///< of the timer or descriptor
  /// Of a timer: when it expires, 0: it is not absolute, or disarmed; of a tracer: who it is; of
  /// an option: which.
  uint64_t value = 0;
};

/// For all processes of an app.
class CallObserver {
 public:
  explicit CallObserver(SeenCalls& seen) : seen_(seen) {}

  /// The thread, stopped, is about to make a system call.
  [[nodiscard]] KeptCall enter(pid_t tid, long number, const uint64_t* arguments) const;
  /// It has returned; negative errno on failure.
  void leave(pid_t tid, const KeptCall& call, int64_t result);
  /// It runs another program now: POSIX timers are gone.
  void executed(pid_t tid);

 private:
  SeenCalls& seen_;
};

}  // namespace thaw::inputs
