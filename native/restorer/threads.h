// Threads: each is made, sets up what only it can set up for itself, and parks in the thaw area
// until commit.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Makes every thread but the leader and waits until all are parked.
void start_threads(Handover& handover);

/// The id that a thread has got, for the leader, once all are parked; `index` within the process.
uint32_t new_tid(const Handover& handover, uint32_t index);

/// What a thread registers for itself, and exec undoes; `index` within the process. 0 or a negative
/// errno.
long register_thread(const Handover& handover, uint32_t index);

/// Scheduling that the caller's own rights do not allow stays the caller's: exec would have given
/// that, too. Last, because nobody may take it back without rights (SCHED_IDLE).
void set_scheduling(const Handover& handover, uint32_t index);

}  // namespace thaw::restorer
