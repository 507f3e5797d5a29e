// Whether the caller can give the members of a tree the credentials that they had.
#pragma once

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// Members that have given up rights of the root: who launches them must be able to take these away, and have what is
/// left. Costs nothing where there are none.
Result<void> check_credentials(const image::View& view);

/// Of the calling process: whether it is effective.
bool has_capability(unsigned capability);

}  // namespace thaw::launch
