// Timers of the process: POSIX timers and those of setitimer(2).
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Makes the POSIX timers, unarmed. The app's threads are there: a timer may signal one of them.
void create_timers(Handover& handover);

/// Arms all timers; to be called last, because their time runs from then on.
void start_timers(const Handover& handover);

}  // namespace thaw::restorer
