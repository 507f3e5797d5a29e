// What belongs to the process as a whole, done last: from here on there is no way back to a cold
// start but the kernel's own refusal of the first steps.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

void restore_process(Handover& handover);

}  // namespace thaw::restorer
