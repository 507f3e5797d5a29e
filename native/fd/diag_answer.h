// Answers of sock_diag(7): a record of the protocol's own, and attributes behind it (netlink(7)).
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>

namespace thaw::fd {

/// Leaves `out` as it is where the attribute is shorter.
template <typename T>
void read_attribute(const rtattr* attribute, T& out) {
  if (RTA_PAYLOAD(attribute) >= sizeof(T)) std::memcpy(&out, RTA_DATA(attribute), sizeof(T));
}

/// Calls `take(attribute)` for each. The answer holds a whole `Body`.
template <typename Body, typename Take>
void each_attribute(const nlmsghdr* answer, const Take& take) {
  const auto* body = static_cast<const Body*>(NLMSG_DATA(answer));
  const auto* attribute = reinterpret_cast<const rtattr*>(body + 1);
  auto room = static_cast<int>(answer->nlmsg_len - NLMSG_LENGTH(sizeof(*body)));
  for (; RTA_OK(attribute, room); attribute = RTA_NEXT(attribute, room)) take(attribute);
}

}  // namespace thaw::fd
