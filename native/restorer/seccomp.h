// The app's filters of system calls.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Puts all of them over all threads, the oldest first. The last step of a launch: what is called
/// after it, the checkpoint has found that they allow (checkpoint/collect/seccomp.cc).
void restore_filters(const Handover& handover);

}  // namespace thaw::restorer
