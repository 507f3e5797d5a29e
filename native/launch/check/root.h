// Whether an image fits a device's root file system, looked at on another machine (`thaw verify
// --root`): what needs the device itself (CPU, kernel, clocks) is told by `thaw show` instead.
#pragma once

#include <functional>

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// Reports each file of the image that a launch would refuse, or not find, in the root at `root`.
/// Symbolic links are followed as on the device, never out of the root.
void check_root(const image::View& view, const char* root,
                const std::function<void(const char* condition, const Error&)>& report);

}  // namespace thaw::launch
