// A time namespace of the launch's own, in which the app's clocks go on (time_namespaces(7)).
#pragma once

#include "image/view.h"
#include "launch/open/descriptor_room.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::launch {

/// Goes back to the caller's time namespace when it is destroyed: the launch was given up.
class TimeNamespace {
 public:
  TimeNamespace() = default;
  TimeNamespace(const TimeNamespace&) = delete;
  TimeNamespace& operator=(const TimeNamespace&) = delete;
  ~TimeNamespace();

  /// Enters a time namespace that continues the clocks of the checkpoint, where privileges allow;
  /// else fails if the clocks stand before the image's. The process must have one thread.
  Result<void> continue_clocks(const image::View& view, const DescriptorRoom& room);

  /// Descriptor of the caller's namespace; -1: it was never left.
  [[nodiscard]] int callers() const { return before_.get(); }

 private:
  UniqueFd before_;
};

}  // namespace thaw::launch
