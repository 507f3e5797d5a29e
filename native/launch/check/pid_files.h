// The app's pid files (policy `pid`), which a launch writes anew: one that names a living process is
// left to a cold start, since the app may take it for a lock.
#pragma once

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// Costs nothing where the image has no such file.
Result<void> check_pid_files(const image::View& view);

}  // namespace thaw::launch
