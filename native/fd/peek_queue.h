// Looking at what waits to be read in a unix socket, without taking it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "fd/unix_peer.h"
#include "fd/unix_queue.h"

namespace thaw::fd {

/// What a queue holds. Descriptors in flight are first known by copies that this process has, and then
/// by what the image has of them, in the same order.
struct UnixQueue {
  std::string content;
  std::vector<Ancillary> ancillaries;
  std::vector<UniqueFd> descriptors;
  std::vector<Carried> carried;
  /// It tells of a process as sender which a launch cannot tell of; the socket does not ask for it.
  bool foreign_sender = false;
};

/// By the socket's inode; or why it is refused.
using UnixQueues = std::map<uint64_t, Result<UnixQueue>>;

/// Whether something waits in the probe's socket, a unix one with a peer: one of the app's or none any more.
/// `probes`: all that are known of the app.
bool has_queue(std::span<const Probe> probes, const Probe& probe);

/// Looks at the queue of such a socket. Refuses out-of-band data, and credentials that no launch could
/// give where the socket asks for them (SO_PASSCRED, SO_PASSPIDFD).
Result<UnixQueue> peek_queue(const Probe& probe);

}  // namespace thaw::fd
