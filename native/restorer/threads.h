// Threads: each is made, sets up what only it can set up for itself, and parks in the thaw area
// until commit.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Makes every thread but the leader and waits until all are parked.
void start_threads(Handover& handover);

/// The id that a thread has got, for the leader, once all are parked; `index` within the process.
uint32_t new_tid(const Handover& handover, uint32_t index);

/// What a thread sets up for itself; `index` within the process. 0 or a negative errno.
long set_up_thread(const Handover& handover, uint32_t index);

}  // namespace thaw::restorer
