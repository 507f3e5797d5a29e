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

/// How long ago the image was made, by the clock on the wall.
int64_t age_ns(const image::View& view) {
  return clock_ns(CLOCK_REALTIME) - static_cast<int64_t>(view.requirements_record().realtime_ns);
}

/// Without a time namespace, the clocks of this boot are right only if they have run since the
/// checkpoint: as long as the clock on the wall, but for what corrects that one.
Result<void> check_passed(const image::View& view) {
  if (view.requirements_record().clocks_jump == 0) return {};
  constexpr int64_t kCorrected = 2 * kSecond;
  const int64_t off = age_ns(view) + behind_ns(view);
  if (off >= -kCorrected && off <= kCorrected) return {};
  return Error{0,
               "the clocks have not run since the checkpoint (another boot, or the time was set), "
               "which the app takes for granted (clocks = \"jump\"), and the caller cannot have a "
               "time namespace",
               "launch as root on a kernel with CONFIG_TIME_NS, or build the image in this boot"};
}

Result<void> check_age(const image::View& view) {
  if (view.requirements_record().clocks_jump == 0 || age_ns(view) >= 0) return {};
  return Error{0,
               "the clock on the wall stands before the image's, so that nobody can tell how much "
               "time has passed (clocks = \"jump\")",
               "set the time before the launch"};
}

bool can_have_time_namespace() {
  return geteuid() == 0 && access("/proc/self/timens_offsets", F_OK) == 0;
}

}  // namespace

Clocks wanted_clocks(const image::View& view) {
  const model::Requirements& made = view.requirements_record();
  const int64_t passed = made.clocks_jump == 0 ? 0 : age_ns(view);
  return {static_cast<int64_t>(made.monotonic_ns) + passed,
          static_cast<int64_t>(made.boottime_ns) + passed};
}

Result<void> check_clocks(const image::View& view) {
  THAW_TRY(check_age(view));
  return can_have_time_namespace() ? Result<void>() : check_own_clocks(view);
}

Result<void> check_own_clocks(const image::View& view) {
  const int64_t behind = behind_ns(view);
  if (behind > 0) return behind_error(behind);
  return check_passed(view);
}

}  // namespace thaw::launch
