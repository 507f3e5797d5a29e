#include "launch/prepare/time_namespace.h"

#include "launch/check/clocks.h"
#include "support/time_namespace.h"

namespace thaw::launch {

TimeNamespace::~TimeNamespace() {
  leave_time_namespace(before_);
}

Result<void> TimeNamespace::continue_clocks(const image::View& view, const DescriptorRoom& room) {
  THAW_TRY(enter_time_namespace(wanted_clocks(view), before_));
  return before_.valid() ? room.move(before_) : check_own_clocks(view);
}

}  // namespace thaw::launch
