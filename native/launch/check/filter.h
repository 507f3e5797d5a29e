// A filter of system calls (seccomp) that the caller lives under, as systemd's SystemCallFilter=.
#pragma once

#include "image/view.h"
#include "launch/exec_call.h"
#include "support/result.h"

namespace thaw::launch {

/// Whether there is one, or that cannot be told. 11 us.
bool is_filtered();

/// Fails where the filter would not let a launch be, or cannot be tried: a child
/// makes the calls, and a filter may kill for that as well. What a filter answers with an error is
/// found by the launch itself.
Result<void> check_filter(const image::View& view, const ExecCall& call);

}  // namespace thaw::launch
