// Feeding: the pages that the app is known to touch first are brought in many at a time, beside the
// rest of the launch and the app's first instructions.
#pragma once

#include "restorer/launch.h"

namespace thaw::restorer {

/// Feeds the working set. An app with several threads gets one more for as long as that takes,
/// which unmaps the restorer area in the end; one with a single thread, which may rely on being
/// alone, is fed before it goes on.
void feed_working_set(Launch& launch);

/// Bytes of the restorer area that the app does not keep.
uint64_t own_area_size(const Launch& launch);

}  // namespace thaw::restorer
