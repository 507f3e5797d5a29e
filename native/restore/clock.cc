#include "restore/clock.h"

#include <fcntl.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace thaw::restore {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t clock_ns(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

bool stands_before(const image::View& view) {
  const model::Requirements& made = view.requirements_record();
  return clock_ns(CLOCK_MONOTONIC) < static_cast<int64_t>(made.monotonic_ns) ||
         clock_ns(CLOCK_BOOTTIME) < static_cast<int64_t>(made.boottime_ns);
}

/// Offset of a clock in our own time namespace; /proc/self/timens_offsets has lines of "monotonic
/// SECONDS NANOSECONDS".
int64_t own_offset(const char* text, const char* clock) {
  const char* line = strstr(text, clock);
  if (line == nullptr) return 0;
  char* rest = nullptr;
  const int64_t seconds = strtoll(line + strlen(clock), &rest, 10);
  return seconds * kSecond + strtol(rest, nullptr, 10);
}

/// Seconds round down, so that the nanoseconds are never negative.
void split_ns(int64_t value, long long& seconds, long& nanoseconds) {
  seconds = value / kSecond;
  nanoseconds = static_cast<long>(value % kSecond);
  if (nanoseconds < 0) {
    nanoseconds += kSecond;
    --seconds;
  }
}

Result<void> write_offsets(const image::View& view, const char* own) {
  const model::Requirements& made = view.requirements_record();
  UniqueFd file(open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return errno_error("cannot open /proc/self/timens_offsets");
  auto offset = [own](uint64_t wanted, clockid_t clock, const char* name) {
    return static_cast<int64_t>(wanted) - (clock_ns(clock) - own_offset(own, name));
  };
  long long seconds[2];
  long nanoseconds[2];
  split_ns(offset(made.monotonic_ns, CLOCK_MONOTONIC, "monotonic"), seconds[0], nanoseconds[0]);
  split_ns(offset(made.boottime_ns, CLOCK_BOOTTIME, "boottime"), seconds[1], nanoseconds[1]);
  char text[128];
  const int size = snprintf(text, sizeof(text), "monotonic %lld %ld\nboottime %lld %ld\n",
                            seconds[0], nanoseconds[0], seconds[1], nanoseconds[1]);
  if (write(file.get(), text, static_cast<size_t>(size)) != size)
    return errno_error("cannot set the clocks of a time namespace");
  return {};
}

}  // namespace

Result<void> check_clock(const image::View& view) {
  if (!stands_before(view) || (geteuid() == 0 && access("/proc/self/timens_offsets", F_OK) == 0))
    return {};
  return Error{
      0,
      "the clocks stand before the image's, as after a reboot, and the caller has no right to a "
      "time namespace; "
      "build the image soon after boot, or launch as root on a kernel with CONFIG_TIME_NS"};
}

Result<void> continue_clocks(const image::View& view, UniqueFd& before) {
  char own[256] = {};
  UniqueFd offsets(open("/proc/self/timens_offsets", O_RDONLY | O_CLOEXEC));
  if (offsets.valid() && read(offsets.get(), own, sizeof(own) - 1) < 0) own[0] = '\0';
  UniqueFd old(open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC));
  if (!offsets.valid() || !old.valid() || unshare(CLONE_NEWTIME) != 0) {
    if (!stands_before(view)) return {};
    return Error{
        errno,
        "the clocks stand before the image's, as after a reboot, and no time namespace can be had"};
  }
  before = std::move(old);
  THAW_TRY(write_offsets(view, own));
  UniqueFd fresh(open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC));
  if (!fresh.valid() || setns(fresh.get(), CLONE_NEWTIME) != 0)
    return errno_error("cannot enter a time namespace");
  return {};
}

}  // namespace thaw::restore
