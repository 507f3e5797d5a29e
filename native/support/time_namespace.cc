#include "support/time_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/clock.h"

namespace thaw {
namespace {

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

Result<void> write_offsets(int file, const Clocks& wanted, const char* own) {
  auto offset = [own](int64_t value, clockid_t clock, const char* name) {
    return value - (clock_ns(clock) - own_offset(own, name));
  };
  long long seconds[2];
  long nanoseconds[2];
  split_ns(offset(wanted.monotonic, CLOCK_MONOTONIC, "monotonic"), seconds[0], nanoseconds[0]);
  split_ns(offset(wanted.boottime, CLOCK_BOOTTIME, "boottime"), seconds[1], nanoseconds[1]);
  char text[128];
  const int size = snprintf(text, sizeof(text), "monotonic %lld %ld\nboottime %lld %ld\n",
                            seconds[0], nanoseconds[0], seconds[1], nanoseconds[1]);
  // Not pwrite(2), which these files refuse.
  if (lseek(file, 0, SEEK_SET) != 0 || write(file, text, static_cast<size_t>(size)) != size)
    return errno_error("cannot set the clocks of a time namespace");
  return {};
}

}  // namespace

Result<void> enter_time_namespace(const Clocks& wanted, UniqueFd& before) {
  char own[256] = {};
  // Once for both: in /proc, opening is what takes time.
  UniqueFd offsets(open("/proc/self/timens_offsets", O_RDWR | O_CLOEXEC));
  if (offsets.valid() && read(offsets.get(), own, sizeof(own) - 1) < 0) own[0] = '\0';
  UniqueFd old(open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC));
  if (!offsets.valid() || !old.valid() || unshare(CLONE_NEWTIME) != 0) return {};
  before = std::move(old);
  THAW_TRY(write_offsets(offsets.get(), wanted, own));
  UniqueFd fresh(open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC));
  if (!fresh.valid() || setns(fresh.get(), CLONE_NEWTIME) != 0)
    return errno_error("cannot enter a time namespace");
  return {};
}

void leave_time_namespace(const UniqueFd& before) {
  if (before.valid()) (void)setns(before.get(), CLONE_NEWTIME);
}

}  // namespace thaw
