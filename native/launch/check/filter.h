// A filter of system calls (seccomp) that the caller lives under, as systemd's SystemCallFilter=.
#pragma once

#include <functional>

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

/// The system calls that a filter must allow for a launch of `view`'s image, or, without one, for
/// any, each with when it is made. For those who write filters; no launch asks.
void each_call(const image::View* view,
               const std::function<void(const char* when, const char* name)>&);

}  // namespace thaw::launch
