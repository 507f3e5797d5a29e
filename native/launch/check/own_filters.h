// The app's own filters of system calls (seccomp(2)).
#pragma once

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// That the kernel takes them from this caller: the restorer sets them when there is no way back any
/// more. A child sets them on trial; an image without filters costs nothing.
Result<void> check_own_filters(const image::View& view);

}  // namespace thaw::launch
