// What the restorer does when it cannot go on: tell why, put the caller's state back, exec the
// program.
#pragma once

#include "restorer/handover.h"
#include "support/app_call.h"

namespace thaw::restorer {

/// Ends in a cold start if `result` is a negative errno. `what` says what failed, `address` where.
void check(Handover& handover, long result, const char* what, uint64_t address = 0);

/// Says it where `result` is a negative errno; the launch goes on.
void warn(const Handover& handover, long result, const char* what);

/// What the app has for one after the launch; only where it has a struct thaw_call.
inline LateColdStart& late_cold_start(const Handover& handover) {
  return reinterpret_cast<LateColdStart*>(static_cast<uintptr_t>(handover.arguments))[-1];
}

[[noreturn]] void start_cold(Handover& handover);

/// CLOCK_REALTIME in nanoseconds: a time namespace entered on the way changes the others.
uint64_t now_ns();
void print_trace(const Handover& handover, const char* phase, uint64_t microseconds);

}  // namespace thaw::restorer
