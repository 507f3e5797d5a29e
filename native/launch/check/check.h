// Whether an image can be launched here and now: each condition is one row of a table, checked in
// order. What a condition looks at stands in a file of this folder.
#pragma once

#include <functional>

#include "image/view.h"
#include "launch/exec_call.h"
#include "support/result.h"

namespace thaw::launch {

/// The first condition that does not hold, as the reason for a cold start; all but the inputs.
Result<void> check_launch(image::View& view, const ExecCall& call);

/// The same for the image alone, whatever it is launched with.
Result<void> check_image(const image::View& view);

/// Every condition of the image that does not hold (`thaw verify`).
void check_all(const image::View& view,
               const std::function<void(const char* condition, const Error&)>& report);

}  // namespace thaw::launch
