// What the app may ask for of its caller (include/thaw.h): the launch's arguments and environment.
#pragma once

#include "launch/exec_call.h"
#include "launch/prepare/arena.h"
#include "restorer/handover.h"

namespace thaw::launch {

/// Copies them into memory that the app keeps, each string with its NUL, one behind the other.
void copy_delivery(const ExecCall& call, Arena& arena, restorer::Handover& handover);

}  // namespace thaw::launch
