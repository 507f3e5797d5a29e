// Ids of threads that the app's memory holds: each is replaced by the new one before any thread runs.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// All threads are parked. Costs nothing where the image has no such place.
void correct_ids(Handover& handover);

/// The id of the clock of a thread's CPU time; what kind of time, `clock` says.
constexpr uint32_t cpu_clock(uint32_t tid, uint32_t clock) {
  constexpr uint32_t kKind = 7;
  return ~tid << 3 | (clock & kKind);
}

/// What servers have told instead of what the app remembers (support/told_text.h).
void write_texts(const Handover& handover);

/// Files that held the pid and that a policy has written.
void write_pid_files(const Handover& handover);

}  // namespace thaw::restorer
