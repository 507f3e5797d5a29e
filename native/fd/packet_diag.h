// What the kernel says of a packet socket through sock_diag(7), and nothing else tells.
#pragma once

#include <linux/packet_diag.h>
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "support/result.h"

namespace thaw::fd {

struct PacketSocket {
  std::vector<packet_diag_mclist> memberships;
  uint32_t copy_threshold = 0;
  bool has_ring = false;
  bool has_fanout = false;
};

/// The packet socket with that inode in the network namespace of `pid`.
Result<PacketSocket> packet_diag(pid_t pid, uint64_t inode);

}  // namespace thaw::fd
