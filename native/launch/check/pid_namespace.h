// What a launch needs that makes a pid namespace.
#pragma once

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// The caller may make one, and a new /proc there shows no more than its own one does.
Result<void> check_pid_namespace(const image::View& view);

}  // namespace thaw::launch
