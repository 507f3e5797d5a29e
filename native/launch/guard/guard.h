// The guard: an image whose launches die early is set aside (docs/guard.md).
#pragma once

#include <sys/types.h>

#include "image/view.h"
#include "launch/exec_call.h"
#include "store/deaths.h"
#include "support/result.h"

namespace thaw::launch {

/// A process of ours watches the launch from beside it. When this object goes, which is when the
/// launch is given up, that process goes as well.
class Guard {
 public:
  Guard() = default;
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard();

  /// Has the launch watched. The error says that the image is set aside; the cold start is watched
  /// then, until it is known whether that does better.
  Result<void> begin(const image::View& view, const ExecCall& call);

  /// Afterwards, this process has no child of the guard's any more.
  void settle();

  /// The process group that has to go where the launch is given up; 0: there is none.
  [[nodiscard]] pid_t watcher() const { return watcher_; }

 private:
  /// Apart from begin(): most launches shall not touch its code and its stack.
  [[gnu::noinline]] Result<void> watch(const image::View& view, const ExecCall& call,
                                       const store::GoodPath& good);

  pid_t watcher_ = 0;
  bool settled_ = false;
};

}  // namespace thaw::launch
