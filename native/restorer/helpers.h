// The processes of thaw-exec that compare the inputs while the restorer works.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Waits until all are gone. Returns the first wait status that is not 0.
int wait_for_helpers(Handover& handover);

/// The same; ends in a cold start if an input has changed. Before there are threads: who has some
/// cannot just leave a time namespace.
void settle_inputs(Handover& handover);

}  // namespace thaw::restorer
