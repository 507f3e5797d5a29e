// What a launch needs that makes a pid namespace.
#pragma once

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// Whether a launch makes a pid namespace, in which any number of processes have the ids that they had.
bool has_namespace(const image::View& view);

/// Whether the caller may make one only in a user namespace, and the image's profile wants that.
bool needs_user_namespace(const image::View& view);

/// The caller may make one, and a new /proc there shows no more than its own one does.
Result<void> check_pid_namespace(const image::View& view);

}  // namespace thaw::launch
