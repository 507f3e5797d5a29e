// A thread must not stand in code that differs between kernels.
#pragma once

#include "checkpoint/freeze/freeze.h"
#include "support/result.h"

namespace thaw::checkpoint {

/// Lets threads that were stopped within the vDSO leave it; true if there was one, so that threads,
/// and children, may have come and gone. Fails if one is found there again and again.
Result<bool> leave_vdso(Freeze& freeze);

}  // namespace thaw::checkpoint
