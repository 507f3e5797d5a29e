// Whose image it is: never execute what another user could have written.
#pragma once

#include "support/result.h"

namespace thaw::launch {

/// Owner and mode of the image `fd`, which was opened at `path`.
Result<void> check_owner(int fd, const char* path);

}  // namespace thaw::launch
