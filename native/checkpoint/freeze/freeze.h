// Every thread of a process, seized and stopped (ptrace(2), PTRACE_SEIZE).
#pragma once

#include <sys/ptrace.h>
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
  static constexpr uint64_t kOptions = PTRACE_O_TRACESYSGOOD;

  static Result<Freeze> take(pid_t pid);
  Freeze(Freeze&&) noexcept;
  Freeze& operator=(Freeze&&) noexcept;
  ~Freeze();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Since when the first of its threads may have stood still, by CLOCK_MONOTONIC.
  [[nodiscard]] int64_t since_ns() const { return since_ns_; }
  /// The signal that has stopped the process (signal(7): SIGSTOP and the like), which goes on to be
  /// so afterwards; 0: it runs.
  [[nodiscard]] int stop_signal() const { return stop_signal_; }
  /// The thread group leader first.
  [[nodiscard]] const std::vector<pid_t>& tids() const { return tids_; }

  /// Lets each thread that `stands_wrong` run for a moment, one at a time; false if there was none.
  /// Threads may have come and gone afterwards.
  Result<bool> step(const std::function<Result<bool>(pid_t)>& stands_wrong);

  /// From there on the kernel ends the process where this one is ended.
  void end_with_us();
  /// PTRACE_O_* of its threads.
  [[nodiscard]] uint64_t options() const { return options_; }

  /// Ends the process instead of letting it run on; wait_killed() blocks until that is done.
  void kill() const;
  void wait_killed();

 private:
  explicit Freeze(pid_t pid) : pid_(pid) {}
  void let_go();
  void reap();
  Result<void> seize_all();
  Result<bool> seize_new_threads();
  Result<void> settle_group_stop();
  Result<void> run_a_moment(pid_t tid);

  pid_t pid_;
  int stop_signal_ = 0;
  int64_t since_ns_ = 0;
  std::vector<pid_t> tids_;
  uint64_t options_ = kOptions;
};

/// Waits until `tid` stops and answers the wait status.
Result<int> wait_for_stop(pid_t tid);

}  // namespace thaw::checkpoint
