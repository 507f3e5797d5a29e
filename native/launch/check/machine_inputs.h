// What of the machine the app asked for in its warm-up must be as it was (docs/inputs.md).
#pragma once

#include <functional>

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// The first that differs.
Result<void> check_machine_inputs(const image::View& view);

/// All that differ, but for what depends on who launches.
void check_machine_inputs(const image::View& view, const std::function<void(const Error&)>& report);

}  // namespace thaw::launch
