// The POSIX timers of the process.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Makes the POSIX timers, unarmed. The app's threads are there: a timer may signal one of them.
void create_timers(Handover& handover);

/// From here on their time runs.
void arm_timers(Handover& handover);

/// Raises THAW_SIGNAL (include/thaw.h) after so many milliseconds. Returns the timer's id + 1, or 0
/// where no timer can be made: then nothing limits the app's hooks.
uint32_t limit_hooks(uint32_t milliseconds);

}  // namespace thaw::restorer
