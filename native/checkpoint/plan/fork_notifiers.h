// A launch is a fork to those who must know of one: child handlers of pthread_atfork(3) that do
// nothing but note it (GnuTLS, Rust's rand) are called in each launch.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/capture.h"

namespace thaw::checkpoint {

/// Addresses to call, in the order of registration; empty where glibc keeps none. Handlers that come
/// with one for before the fork are left out, as nobody has called that, and those that do more than
/// to write to memory: what they put in order (other threads that a fork does not have, locks) is in
/// order.
std::vector<uint64_t> fork_notifiers(const ProcessCapture& process);

}  // namespace thaw::checkpoint
