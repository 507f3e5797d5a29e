// Multicast groups that a datagram socket has joined. The kernel lists groups by interface, not by
// socket; but it tells for each group whether a socket is a member.
#pragma once

#include "fd/socket.h"

namespace thaw::fd {

struct Membership {
  uint32_t family = 0;  ///< AF_INET or AF_INET6
  char interface[16] = {};
  uint8_t group[16] = {};  ///< in_addr or in6_addr
};

struct Memberships {
  static constexpr uint32_t kMax = 24;
  uint32_t count = 0;
  Membership rows[kMax];
};

/// The groups of the probe's socket. Refuses source-specific memberships and more than kMax.
Result<void> collect_memberships(const Probe& probe, Memberships& out);

/// Joins them again, on the interfaces of the same names.
Result<void> join(int fd, const Memberships& memberships);

/// What is wrong with the record, or null.
const char* validate_memberships(const Memberships& memberships);

}  // namespace thaw::fd
