// The Handover: all that the restorer works from, put together in the restorer area.
#pragma once

#include "launch/prepare/prepared.h"
#include "launch/prepare/restorer_area.h"
#include "restorer/handover.h"
#include "support/result.h"

namespace thaw::launch {

/// The restorer area with everything in it, and the Handover there.
struct HandedOver {
  RestorerArea area;
  restorer::Handover* handover;
};

Result<HandedOver> hand_over(const Prepared& prepared);

}  // namespace thaw::launch
