// A launch is a fork to those who draw random numbers and see a fork by nothing but a child handler of
// pthread_atfork(3): GnuTLS.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/capture.h"

namespace thaw::checkpoint {

/// Addresses to call in each launch, in the order of registration; empty where glibc keeps none. Other
/// handlers are left out: what they put in order (threads that a fork does not have, locks) is in
/// order.
std::vector<uint64_t> fork_notifiers(const ProcessCapture& process);

}  // namespace thaw::checkpoint
