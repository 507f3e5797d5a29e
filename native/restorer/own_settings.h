// What the app had set for itself of what it now has from its caller.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// An app that has given itself a tighter one shall not run with its caller's: who may not set it
/// starts cold.
void replace_umask(Handover& handover);

/// Limits are lowered last, since nothing undoes that: here is seen whether a filter of system calls
/// would refuse it.
void expect_limits(Handover& handover);

/// Needs a descriptor: before the limits, which may be of these.
void restore_oom_score(const Handover& handover);

/// Hard limits are never raised.
void restore_limits(const Handover& handover);

}  // namespace thaw::restorer
