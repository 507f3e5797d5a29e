// The machine: its CPU, its kernel, and what this thaw-exec can do with them.
#pragma once

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// The kernel has what a launch needs, and makes signal frames of the image's layout.
Result<void> check_kernel(const image::View& view);

/// The CPU has every feature that the app was warmed up with.
Result<void> check_cpu(const image::View& view);

Result<void> check_page_size(const image::View& view);

/// The image holds one process: no more can be launched yet.
Result<void> check_processes(const image::View& view);

}  // namespace thaw::launch
