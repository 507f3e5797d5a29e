#include "launch/check/clocks.h"

#include <unistd.h>

#include <algorithm>

#include "support/clock.h"

namespace thaw::launch {

namespace {

/// By how much the clocks stand before the image's; 0 or less: they do not.
int64_t behind_ns(const image::View& view) {
  const model::Requirements& made = view.requirements_record();
  return std::max(static_cast<int64_t>(made.monotonic_ns) - clock_ns(CLOCK_MONOTONIC),
                  static_cast<int64_t>(made.boottime_ns) - clock_ns(CLOCK_BOOTTIME));
}

Error behind_error(int64_t nanoseconds) {
  return Error{0,
               "the clocks stand " + std::to_string(nanoseconds / kSecond + 1) +
                   " s before the image's, as after a reboot, and the caller cannot have a time "
                   "namespace",
               "build the image soon after boot or as root in a time namespace, or launch as root "
               "on a kernel with CONFIG_TIME_NS (there is none for 32-bit ARM)"};
}

bool can_have_time_namespace() {
  return geteuid() == 0 && access("/proc/self/timens_offsets", F_OK) == 0;
}

}  // namespace

Result<void> check_clocks(const image::View& view) {
  const int64_t behind = behind_ns(view);
  if (behind <= 0 || can_have_time_namespace()) return {};
  return behind_error(behind);
}

Result<void> check_own_clocks(const image::View& view) {
  const int64_t behind = behind_ns(view);
  if (behind <= 0) return {};
  return behind_error(behind);
}

}  // namespace thaw::launch
