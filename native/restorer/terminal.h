// The caller's terminal, where the app had one.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Sets what the app had made of its terminal's mode, and tells the app of another size (SIGWINCH).
/// A cold start gets the mode back.
void replace_terminal_mode(Handover& handover);

}  // namespace thaw::restorer
