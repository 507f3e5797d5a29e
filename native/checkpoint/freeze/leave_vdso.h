// A thread must not stand in code that differs between kernels.
#pragma once

#include "checkpoint/freeze/freeze.h"
#include "support/result.h"

namespace thaw::checkpoint {

/// Lets threads that were stopped within the vDSO leave it. Fails if one is found there again and
/// again.
Result<void> leave_vdso(Freeze& freeze);

}  // namespace thaw::checkpoint
