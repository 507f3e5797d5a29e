// What exec would keep: the app's state replaces it, and a cold start gets the caller's back.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Notes a system call for a cold start, before what it undoes is done. The last is made first.
void note_undo(Handover& handover, long number, long a, long b = 0, long c = 0);

/// The filter of core dumps, as the app needs it.
void replace_coredump_filter(Handover& handover);

/// ITIMER_REAL and its like that run in the app.
void replace_interval_timers(Handover& handover);

/// O_NONBLOCK of the standard descriptors, which the app has set.
void replace_descriptor_flags(Handover& handover);

/// Undoes all that was replaced so far.
void put_back_callers_state(const Handover& handover);

}  // namespace thaw::restorer
