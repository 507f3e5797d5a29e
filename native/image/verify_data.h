// Checks the page data of an image against its checksums: reads all of it, so a launch does not.
#pragma once

#include "image/view.h"

namespace thaw::image {

/// The error says how much is damaged, where the first of it is, and what of the app lay there.
Result<void> verify_data(const View& view);

/// Drops the page data from the page cache, but for pages that a process maps.
void forget_data(const View& view);

}  // namespace thaw::image
