// The processes of an app, all of whose threads stand still.
#pragma once

#include <span>
#include <vector>

#include "checkpoint/freeze/freeze.h"

namespace thaw::checkpoint {

/// While it lives, the whole app stands still; its end lets it run on.
class FrozenTree {
 public:
  /// Freezes the process `root` and all its descendants, none of them within code that differs
  /// between kernels. Only one process for now: a root that has children is refused.
  static Result<FrozenTree> take(pid_t root);

  /// The root first, parents before children.
  [[nodiscard]] std::span<const Freeze> processes() const { return processes_; }
  /// How long the app has stood still.
  [[nodiscard]] double frozen_ms() const;
  /// Lets the app run on before the end.
  void let_run() { processes_.clear(); }
  /// Ends the app instead of letting it run on.
  void kill();

 private:
  std::vector<Freeze> processes_;
  int64_t since_ns_ = 0;
};

}  // namespace thaw::checkpoint
