// Ids of threads that the app's memory holds: each is replaced by the new one before any thread runs.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// All threads are parked. Costs nothing where the image has no such place.
void correct_ids(Handover& handover);

}  // namespace thaw::restorer
