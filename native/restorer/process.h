// What belongs to the process as a whole is done last. Its first steps, which the kernel may
// refuse, can still end in a cold start; what follows them cannot.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Registers for membarrier(2) as the app had: as long as there is one thread, the kernel need not
/// wait for the other CPUs (sync_runqueues_membarrier_state in kernel/sched/membarrier.c).
void restore_membarrier(Handover& handover);

void restore_process(Handover& handover);

}  // namespace thaw::restorer
