// A launch: open → check → prepare → execute (restorer/). The calling process becomes the app, or
// an error says why it cannot and nothing has changed for the caller.
#pragma once

#include "launch/exec_call.h"
#include "support/result.h"

namespace thaw::launch {

/// Returns only if the launch is not possible. With `keep_pid` it may return in a child that has
/// the app's process id; the calling process then ends as that child ends.
Error launch(const ExecCall& call);

}  // namespace thaw::launch
