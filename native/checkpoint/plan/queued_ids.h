// Pids of the app in data that wait in its pipes and sockets: who reads them after a launch has a
// stranger's.
#pragma once

#include "checkpoint/capture.h"

namespace thaw::checkpoint {

/// Once descriptors are collected. Refuses a pid in what waits for an app of several processes, and
/// warns of all else.
Result<void> check_queues(Capture& capture);

}  // namespace thaw::checkpoint
