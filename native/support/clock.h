// Clocks in nanoseconds.
#pragma once

#include <time.h>

#include <cstdint>

namespace thaw {

constexpr int64_t kSecond = 1'000'000'000;

/// What `clock` (CLOCK_*) shows now, in nanoseconds.
inline int64_t clock_ns(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * kSecond + now.tv_nsec;
}

}  // namespace thaw
