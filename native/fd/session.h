// A connected socket whose conversation was recorded: which one that is, only the relay knows.
#pragma once

#include "fd/socket.h"

namespace thaw::fd {

/// `peer`: the inode of what the probe's socket is connected to. True: it was recorded, and `out` is
/// a kSession. A conversation that cannot be had again is refused.
Result<bool> collect_session(Collector& collector, const Probe& probe, const SocketRecord& socket,
                             uint32_t peer, model::OpenFile& out);

}  // namespace thaw::fd
