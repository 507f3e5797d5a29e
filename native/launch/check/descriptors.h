// The app's descriptors: whether the image's records of them are sound, and whether there are
// numbers enough.
#pragma once

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// Each record as its kind wants it.
Result<void> check_descriptors(const image::View& view);

/// RLIMIT_NOFILE of this process allows what a launch opens on its way.
Result<void> check_descriptor_limit(const image::View& view);

}  // namespace thaw::launch
