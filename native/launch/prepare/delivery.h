// What the app may ask for of its caller (include/thaw.h): the launch's arguments and environment.
#pragma once

#include "launch/prepare/arena.h"
#include "launch/prepare/prepared.h"
#include "restorer/handover.h"

namespace thaw::launch {

/// Copies them into memory that the app keeps, each string with its NUL, one behind the other; with
/// them what a cold start would need that the app asks for itself (LateColdStart).
void copy_delivery(const Prepared& prepared, Arena& arena, restorer::Handover& handover);

}  // namespace thaw::launch
