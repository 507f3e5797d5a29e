// The caller's terminal, where the app had one.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// Sets what the app had made of its terminal's mode, and tells the app of another size (SIGWINCH).
/// A cold start gets the mode back.
void replace_terminal_mode(Handover& handover);

/// Puts the process group that had the foreground of a controlling terminal into it, in whom that is up
/// to: the root, for that of its caller, which a cold start gets back; who leads another session.
void give_foreground(Handover& handover);

}  // namespace thaw::restorer
