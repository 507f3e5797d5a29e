// Who outside the process tree holds the other end: what such a process has cannot come back with
// the app.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// A process outside the tree that holds the same thing open ("pid 12 (sh)"), or empty. Sees what
/// /proc lets it see.
std::string outside_holder(Collector&, const Probe&);

}  // namespace thaw::fd
