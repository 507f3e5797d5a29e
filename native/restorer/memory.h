// The restorer's first half: our own memory out, the app's memory in.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Unmaps all but the restorer area and the kernel's own mappings. 0 or a negative errno.
long release_own_memory(Handover& handover);

/// Moves the kernel's mappings and executes the ops.
void rebuild_memory(Handover& handover);

}  // namespace thaw::restorer
