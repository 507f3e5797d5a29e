// Members that are stopped by a signal, as they were, and those whose parents have not heard yet
// that they go on.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Of children that run, and whose parents would hear of that (WCONTINUED): they stop, and their
/// parents continue them. Before the app's own signals wait for them, some of which either would take
/// away. Parents are sent SIGCHLD for it.
void pass_through_stops(Handover& handover);

/// Stops those that are to be: returns in the others when all of them stand still, and in themselves
/// when they are continued. What their parents hear of it is what they would have heard in the app.
/// `waiting`: signals that waited for this process before anybody could stop.
void stop_members(const Handover& handover, uint64_t waiting);

}  // namespace thaw::restorer
