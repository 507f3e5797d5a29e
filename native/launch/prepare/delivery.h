// What the app gets of its caller's strings: the environment, and what it may ask for
// (include/thaw.h).
#pragma once

#include "launch/prepare/arena.h"
#include "launch/prepare/prepared.h"
#include "restorer/handover.h"

namespace thaw::launch {

/// Copies them into memory that the app keeps, each string with its NUL, one behind the other; with
/// them what a cold start would need that the app asks for itself (LateColdStart). The array that
/// libc's `environ` will point to has the caller's variables, but for those that the app has set or
/// removed itself: of these it has what the app made of them.
void copy_delivery(const Prepared& prepared, Arena& arena, restorer::Handover& handover);

}  // namespace thaw::launch
