// What the warm state was computed from: all of it must be as it was (docs/inputs.md).
#pragma once

#include <functional>

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// The first input that has changed, gone or come, as the reason for a cold start. Looks each up
/// once, and reads those alone that look different. Of many, other CPUs take a part, in processes
/// that are gone when this returns.
Result<void> check_inputs(const image::View& view, bool may_have_helpers);

/// All of them.
void check_inputs(const image::View& view, const std::function<void(const Error&)>& report);

/// The same in another root file system, where all are copies.
void check_inputs_in(const image::View& view, int root,
                     const std::function<void(const Error&)>& report);

}  // namespace thaw::launch
