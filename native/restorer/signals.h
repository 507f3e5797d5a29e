// Signal actions, and the signals that are pending.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

void replace_signal_actions(Handover& handover);

/// Those of the process and of its leader.
void queue_signals(Handover& handover);

/// One from the kernel, of this launch.
void queue_signal(Handover& handover, int signal);

/// Those of the calling thread. 0 or a negative errno.
long queue_thread_signals(const Handover& handover, const model::Thread& thread);

/// What exec would keep of both: ignored signals, pending ones.
void put_back_signals(const CallersState& callers);

}  // namespace thaw::restorer
