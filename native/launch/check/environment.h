// The caller's environment: what of it the warm state depends on must be what it was.
#pragma once

#include "image/view.h"
#include "launch/exec_call.h"
#include "support/result.h"

namespace thaw::launch {

/// The variables that are inputs have the values of the warm-up, or are absent as they were. The
/// error names variables, never values.
Result<void> check_environment(const image::View& view, const ExecCall& call);

/// The value of a variable of the caller's; null without one.
const char* callers_value(const ExecCall& call, const char* name);

}  // namespace thaw::launch
