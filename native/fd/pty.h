// Pseudo-terminals both of whose ends the app holds: slaves look like any other terminal, one file
// decides about them.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// Whether it is a slave whose master is one of the tree's own.
bool is_slave_of_own(const Collector& collector, const Probe& probe);

/// Makes `out` a kPty, or refuses.
Result<void> collect_slave(Collector& collector, const Probe& probe, model::OpenFile& out);

/// Whether the app has opened it as /dev/tty, by which a launch opens it in the process that leads its
/// session. `payload`: the file's.
bool is_controlling_terminal(const model::OpenFile& file, std::string_view payload);

/// Makes what that opens the controlling terminal of the calling process, which leads a session.
Result<void> take_controlling_terminal(int slave);

/// /dev/tty, with the flags of `file`.
Result<UniqueFd> open_controlling_terminal(const model::OpenFile& file);

}  // namespace thaw::fd
