// File locks (POSIX, flock, leases): the kernel ties them to the process that is gone at a launch.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// Refuses a descriptor that holds one.
Result<void> refuse_locks(const Probe&, policy::Type);

}  // namespace thaw::fd
