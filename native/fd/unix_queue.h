// What waits to be read in a unix socket: looked at without taking it, put back at launch.
#pragma once

#include <string>
#include <string_view>

#include "fd/socket.h"
#include "fd/unix_diag.h"

namespace thaw::fd {

/// The bytes queued in the probe's socket. SOCK_STREAM: as they are. Others: each message with its length before
/// it (uint32_t, as the CPU has it). Refuses passed descriptors, out-of-band data and foreign credentials.
Result<std::string> peek_queue(const Probe& probe, const SocketRecord& record, const UnixSocket& socket);

/// Sends the content of such a queue through `fd`, the other end.
Result<void> send_queue(int fd, int type, std::string_view content);

/// Whether the content can be sent: every message within it.
bool valid_queue(int type, std::string_view content);

}  // namespace thaw::fd
