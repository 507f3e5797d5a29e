// Time goes forward: CLOCK_MONOTONIC and CLOCK_BOOTTIME never run backwards for the app
// (time_namespaces(7)).
#pragma once

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// Fails if the clocks stand before the image's and no time namespace can be had.
Result<void> check_clocks(const image::View& view);

/// Fails if the clocks stand before the image's: for a launch that has no time namespace.
Result<void> check_own_clocks(const image::View& view);

}  // namespace thaw::launch
