// What a cold start from the restorer needs, opened while thaw-exec can still say why it cannot be.
#pragma once

#include "image/view.h"
#include "launch/open/descriptor_room.h"
#include "launch/prepare/time_namespace.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::launch {

class WayBack {
 public:
  Result<void> open(const image::View& view, const DescriptorRoom& room,
                    const TimeNamespace& clocks);

  /// The caller's folder; -1: the launch does not leave it.
  [[nodiscard]] int cwd() const { return cwd_.get(); }
  /// thaw-exec, where only a new one can go back to the caller's time namespace; else -1.
  [[nodiscard]] int launcher() const { return launcher_.get(); }

 private:
  UniqueFd cwd_, launcher_;
};

}  // namespace thaw::launch
