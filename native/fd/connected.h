// Sockets connected to something outside the process tree: several kinds meet them, one file
// decides about them.
#pragma once

#include "fd/socket.h"

namespace thaw::fd {

/// Makes `out` a kConnectedSocket by the policy for `peer`, or refuses. `what` says what it is
/// connected to ("is connected to 10.0.0.1:5432").
Result<void> collect_connected(Collector& collector, const Probe& probe, const SocketRecord& record,
                               const SocketAddress& peer, const std::string& what,
                               model::OpenFile& out);

/// A datagram socket connected to one of the tree's own bound sockets, at `peer`: connects again,
/// no policy needed.
void collect_connected_inside(Collector& collector, const SocketRecord& record,
                              const SocketAddress& peer, model::OpenFile& out);

/// The same of one that is bound as well: a kUnixListen that connects when all sockets stand.
Result<void> collect_named_sender(Collector& collector, const Probe& probe,
                                  const SocketAddress& peer, model::OpenFile& out);

/// A connection that had ended before the checkpoint: comes back dead, no policy needed. With an
/// error that the app has not seen, whichever it is, it comes back reset.
void collect_ended(Collector& collector, const Probe& probe, const SocketRecord& record,
                   model::OpenFile& out);

}  // namespace thaw::fd
