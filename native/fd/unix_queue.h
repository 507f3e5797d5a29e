// What waits to be read in a unix socket, as the image has it, and how a launch puts it back.
// fd/peek_queue.h looks at it at the checkpoint.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fd/socket.h"

namespace thaw::fd {

/// What stands beside the data of one message: the descriptors that it carries (SCM_RIGHTS), and that
/// the app's first process has sent it (SCM_CREDENTIALS).
struct Ancillary {
  uint64_t at = 0;    ///< SOCK_STREAM: the first byte that it stands at; else the message's index
  uint32_t size = 0;  ///< SOCK_STREAM: with so many bytes
  uint32_t has_credentials = 0;
  uint32_t uid = 0, gid = 0;  ///< of the sender
  uint32_t first = 0;         ///< its descriptors among those of the queue
  uint32_t count = 0;
};

/// One of the descriptors in flight.
struct Carried {
  model::Index open_file = model::kNone;
  int32_t inherit = -1;  ///< without one: a copy of the caller's descriptor of that number
};

static_assert(sizeof(Ancillary) == 32 && sizeof(Carried) == 8, "the same on all CPUs");

/// As part of a kind's record; plain data is the OpenFile's `content`. SOCK_STREAM: the bytes as they
/// are. Others: each message with its length before it (uint32_t, as the CPU has it).
struct QueueRecord {
  model::Blob ancillaries;  ///< Ancillary[], ascending; empty: messages carry nothing
  model::Blob carried;      ///< Carried[]
  uint32_t portion = 0;     ///< see queue_portion()
  uint32_t reserved = 0;
};

/// In what portions a stream's `queued` bytes must be sent for the sender, at `peer`, to be as full
/// as it is: small writes cost the sender more of its buffer than large ones. 0: at once, the
/// sender is not full.
uint32_t queue_portion(int peer, size_t queued);

/// Whether descriptors are in flight: it can be sent once all open files are there.
inline bool carries_descriptors(const QueueRecord& queue) {
  return queue.carried.size != 0;
}

/// Sends such a queue through `fd`, the other end. `opened`: per OpenFile, where any is in flight.
Result<void> send_queue(const image::View&, std::span<const UniqueFd> opened, int fd, int type,
                        model::Blob content, const QueueRecord& queue);

/// "12 bytes queued", "2 messages queued with 3 descriptors"; empty for an empty queue.
std::string queue_text(int type, std::string_view content, size_t descriptors);

/// Whether the content can be sent: every message within it, and what it carries among the image's.
bool valid_queue(const image::View&, int type, model::Blob content, const QueueRecord& queue);

}  // namespace thaw::fd
