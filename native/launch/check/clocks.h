// Time goes forward: CLOCK_MONOTONIC and CLOCK_BOOTTIME never run backwards for the app
// (time_namespaces(7)).
#pragma once

#include "image/view.h"
#include "support/result.h"
#include "support/time_namespace.h"

namespace thaw::launch {

/// What the app's clocks shall show at its launch, and by how much the image's have to be moved.
/// `clocks = "jump"`: as if it had run since the checkpoint; else they stood still meanwhile.
Clocks wanted_clocks(const image::View& view);

/// Fails if the clocks stand before the image's and no time namespace can be had.
Result<void> check_clocks(const image::View& view);

/// Fails if the clocks stand before the image's: for a launch that has no time namespace.
Result<void> check_own_clocks(const image::View& view);

}  // namespace thaw::launch
