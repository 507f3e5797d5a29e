// What belongs to the process as a whole is done last. All that can fail comes before what nothing
// undoes; what exec would keep is noted, so that a cold start gets it back (callers_state.h).
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// From there on, others see that the app is there.
void listen_for_app(Handover& handover);

/// Registers for membarrier(2) as the app had: as long as there is one thread, the kernel need not
/// wait for the other CPUs (sync_runqueues_membarrier_state in kernel/sched/membarrier.c).
void restore_membarrier(Handover& handover);

void restore_process(Handover& handover);

}  // namespace thaw::restorer
