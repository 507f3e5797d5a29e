// The credentials of members of a tree that have given up rights: what the launch's caller has, they must not have.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// The calling thread takes the member's credentials, and gives up what a user namespace of the launch's own has
/// given it: 0 or a negative errno. All that needs the caller's rights
/// has been done. The kernel forgets the signal at the parent's end, and lets nobody dump the process.
long take_credentials(const Handover& handover);

/// The root directory of a member, for all of its threads; before it takes its credentials.
void enter_root(Handover& handover);

}  // namespace thaw::restorer
