// Whether a launch has to wait for the storage.
#pragma once

#include "image/view.h"

namespace thaw::launch {

/// Whether the page cache holds the image's part of the working set, as a few samples of it tell.
bool holds_working_set(const image::View& view);

}  // namespace thaw::launch
