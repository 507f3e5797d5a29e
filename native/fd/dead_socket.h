// Sockets that are dead on purpose: what an app finds in place of a connection. They carry nothing,
// and never block.
#pragma once

#include "fd/socket.h"

namespace thaw::fd {

/// A socket of the record's type whose connection is over: reads give EOF, writes EPIPE (with
/// SIGPIPE) or ECONNREFUSED.
Result<UniqueFd> make_dead_socket(const SocketRecord& record);

/// A unix stream of that sort, in the place of whatever a policy closes.
Result<UniqueFd> open_dead_stream(Opener&, const model::OpenFile&);

/// The same of a connection that the other end has closed a moment ago. Over TCP the first write is
/// taken, as on any such connection: a client that writes its request and reads the answer sees the
/// end, and no SIGPIPE. Its addresses are of the loopback interface.
Result<UniqueFd> make_left_socket(const SocketRecord& record);

/// The same of a stream that the other end has reset: the first read or write gives ECONNRESET.
Result<UniqueFd> make_reset_socket(const SocketRecord& record);

}  // namespace thaw::fd
