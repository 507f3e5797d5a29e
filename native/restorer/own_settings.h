// What the app had set for itself of what it now has from its caller.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Umask and limits. Hard limits are never raised.
void restore_own_settings(const Handover& handover);

}  // namespace thaw::restorer
