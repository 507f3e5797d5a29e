// What belongs to the process as a whole is done last. Its first steps, which the kernel may
// refuse, can still end in a cold start; what follows them cannot.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

void restore_process(Handover& handover);

}  // namespace thaw::restorer
