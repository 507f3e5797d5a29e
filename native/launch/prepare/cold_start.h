// What the restorer needs for a cold start, which is still possible until commit.
#pragma once

#include "launch/prepare/arena.h"
#include "launch/prepare/prepared.h"
#include "restorer/handover.h"

namespace thaw::launch {

/// Program, arguments, environment, descriptors, signal mask and time namespace of the caller.
void copy_cold_start(const Prepared& prepared, Arena& arena, restorer::ColdStart& cold);

}  // namespace thaw::launch
