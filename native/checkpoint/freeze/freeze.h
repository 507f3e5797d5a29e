// Every thread of a process, seized and stopped (ptrace(2), PTRACE_SEIZE).
#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

#include "support/result.h"

namespace thaw::checkpoint {

/// While it lives, all threads of one process stand still. Its end lets them run on, unharmed;
/// should this process die, the kernel does the same. Must be used and destroyed in the thread that
/// made it.
class Freeze {
 public:
  static Result<Freeze> take(pid_t pid);
  Freeze(Freeze&&) noexcept;
  Freeze& operator=(Freeze&&) = delete;
  ~Freeze();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Since when the first of its threads may have stood still, by CLOCK_MONOTONIC.
  [[nodiscard]] int64_t since_ns() const { return since_ns_; }
  /// Whether the thread has died. Of a main thread whose others have not been waited for,
  /// waitpid(2) does not tell.
  static bool has_died(pid_t tid);
  /// The thread group leader first.
  [[nodiscard]] const std::vector<pid_t>& tids() const { return tids_; }

  /// Lets each thread that `stands_wrong` run for a moment, one at a time; false if there was none.
  /// Threads may have come and gone afterwards.
  Result<bool> step(const std::function<Result<bool>(pid_t)>& stands_wrong);

  /// Ends the process instead of letting it run on.
  void kill();

 private:
  explicit Freeze(pid_t pid) : pid_(pid) {}
  void reap();
  Result<void> seize_all();
  Result<bool> seize_new_threads();
  Result<void> run_a_moment(pid_t tid);

  pid_t pid_;
  int64_t since_ns_ = 0;
  std::vector<pid_t> tids_;
};

/// Waits until `tid` stops and answers the wait status.
Result<int> wait_for_stop(pid_t tid);

}  // namespace thaw::checkpoint
