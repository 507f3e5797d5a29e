// What waits to be read in a unix socket: looked at without taking it, put back at launch.
#pragma once

#include <string>
#include <string_view>

#include "fd/socket.h"
#include "fd/unix_diag.h"

namespace thaw::fd {

/// The bytes queued in the probe's socket. SOCK_STREAM: as they are. Others: each message with its
/// length before it (uint32_t, as the CPU has it). Refuses passed descriptors, out-of-band data and
/// foreign credentials.
Result<std::string> peek_queue(const Probe& probe, const SocketRecord& record,
                               const UnixSocket& socket);

/// In what portions a stream's `queued` bytes must be sent for the sender, at `peer`, to be as full
/// as it is: small writes cost the sender more of its buffer than large ones. 0: at once, the
/// sender is not full.
uint32_t queue_portion(int peer, size_t queued);

/// Sends the content of such a queue through `fd`, the other end; streams in portions of that size
/// (0: at once).
Result<void> send_queue(int fd, int type, std::string_view content, uint32_t portion);

/// "12 bytes queued", "2 messages queued"; empty for an empty queue.
std::string queue_text(int type, std::string_view content);

/// Whether the content can be sent: every message within it.
bool valid_queue(int type, std::string_view content);

}  // namespace thaw::fd
