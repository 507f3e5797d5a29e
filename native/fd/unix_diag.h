// What the kernel says of a unix socket through sock_diag(7): peer, queues, shutdown state, the
// file it is bound to.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "support/result.h"

namespace thaw::fd {

struct UnixSocket {
  bool has_peer = false;
  uint32_t peer = 0;  ///< inode of the socket at the other end; 0: closed already
  /// Listening: connections not accepted; else bytes queued (datagrams: of the first message).
  uint32_t received = 0;
  uint32_t backlog = 0;   ///< listening: second argument of listen(2)
  uint32_t shutdown = 0;  ///< bits of Shutdown (socket.h)
  bool has_file = false;
  uint32_t file_ino = 0;  ///< low 32 bits
  uint32_t file_dev = 0;  ///< as the kernel numbers it: major << 20 | minor
};

/// The socket with that inode in the network namespace of `pid`; nothing if it does not exist (any
/// more).
Result<std::optional<UnixSocket>> unix_diag(pid_t pid, uint64_t inode);

}  // namespace thaw::fd
