// Keys of memory protection (pkeys(7)).
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Before any memory is mapped: the app's keys, and with them all numbers below that are not to be
/// given to somebody else. The calling thread may use memory of each; the app's threads bring their
/// rights with their registers.
void allocate_keys(Handover& handover);

/// Once all memory has its key: those that are not the app's.
void free_spare_keys(Handover& handover);

}  // namespace thaw::restorer
