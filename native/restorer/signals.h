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

/// Bit 0: signal 1. Of the process and of the calling thread.
uint64_t pending_signals();

/// Whether the kernel sends SIGCHLD when a child is stopped or continued.
bool hears_of_stops();

/// Has the kernel stop this process by a signal, whatever its action; returns when it goes on.
void stop_by(int signal);

/// What exec would keep of both: ignored signals, pending ones.
void put_back_signals(const CallersState& callers);

}  // namespace thaw::restorer
