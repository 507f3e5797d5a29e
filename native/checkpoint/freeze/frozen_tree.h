// The processes of an app, all of whose threads stand still.
#pragma once

#include <span>
#include <vector>

#include "checkpoint/freeze/freeze.h"
#include "checkpoint/freeze/keeper.h"
#include "proc/members.h"

namespace thaw::checkpoint {

/// While it lives, the whole app stands still; its end lets it run on.
class FrozenTree {
 public:
  /// Freezes the process `root` and all its descendants, none of them within code that differs
  /// between kernels.
  static Result<FrozenTree> take(pid_t root, proc::Ids ids);

  /// The root first, parents before children.
  [[nodiscard]] std::span<const Freeze> processes() const { return processes_; }
  /// Those that have ended, and that their parents have not waited for.
  [[nodiscard]] std::span<const pid_t> ended() const { return ended_; }
  /// How long the app has stood still.
  [[nodiscard]] double frozen_ms() const;
  /// Lets the app run on before the end.
  void let_run();
  /// Ends the app instead of letting it run on.
  void kill();

 private:
  Result<void> freeze_all(pid_t root);
  Result<bool> freeze_children(pid_t parent);
  [[nodiscard]] bool has(pid_t pid) const;
  Result<bool> leave_kernels_code();
  void find_ended();

  Keeper keeper_;  ///< of several; goes after all of them
  std::vector<Freeze> processes_;
  std::vector<pid_t> ended_;
  int64_t since_ns_ = 0;
};

}  // namespace thaw::checkpoint
