// A launch is a fork to those who draw random numbers and see a fork by nothing but a child handler of
// pthread_atfork(3): GnuTLS.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/capture.h"

namespace thaw::checkpoint {

struct ForkNotifiers {
  /// Addresses to call in each launch, in the order of registration.
  std::vector<uint64_t> told;
  /// Files whose code asks to be told of a fork, and is neither told nor known to do without.
  std::vector<std::string> untold;
};

/// Nothing where glibc keeps none. Handlers that also prepare for a fork are left out: what they put in
/// order (threads that a fork does not have, locks) is in order.
ForkNotifiers fork_notifiers(const ProcessCapture& process);

}  // namespace thaw::checkpoint
