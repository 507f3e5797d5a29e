// Pseudo-terminals both of whose ends the app holds: slaves look like any other terminal, one file
// decides about them.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// Whether it is a slave whose master is one of the tree's own.
bool is_slave_of_own(const Collector& collector, const Probe& probe);

/// Makes `out` a kPty, or refuses.
Result<void> collect_slave(Collector& collector, const Probe& probe, model::OpenFile& out);

}  // namespace thaw::fd
