// What a launch that is given up tells of itself.
#pragma once

#include "launch/exec_call.h"
#include "support/result.h"

namespace thaw::launch {

/// On standard error, as $THAW_LOG has it; a stale image also asks for a new one in its store, unless
/// another store has one.
void tell_of_fallback(const ExecCall& call, const Error& reason);

}  // namespace thaw::launch
