#include "fd/packet_diag.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

#include "fd/diag_answer.h"
#include "fd/net_namespace.h"

namespace thaw::fd {
namespace {

struct Request {
  nlmsghdr header;
  packet_diag_req body;
};

Error diag_error(int err) {
  return {err, "cannot ask the kernel about packet sockets", "the kernel needs CONFIG_PACKET_DIAG"};
}

/// It tells of all of them.
Result<void> send_request(int fd) {
  Request request = {};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = AF_PACKET;
  request.body.pdiag_show =
      PACKET_SHOW_INFO | PACKET_SHOW_MCLIST | PACKET_SHOW_RING_CFG | PACKET_SHOW_FANOUT;
  if (send(fd, &request, sizeof(request), 0) < 0) return diag_error(errno);
  return {};
}

void take_attribute(const rtattr* attribute, PacketSocket& out) {
  const auto* bytes = static_cast<const char*>(RTA_DATA(attribute));
  const size_t size = RTA_PAYLOAD(attribute);
  switch (attribute->rta_type) {
    case PACKET_DIAG_INFO: {
      packet_diag_info info = {};
      read_attribute(attribute, info);
      out.copy_threshold = info.pdi_copy_thresh;
      break;
    }
    case PACKET_DIAG_MCLIST:
      out.memberships.resize(size / sizeof(packet_diag_mclist));
      std::memcpy(out.memberships.data(), bytes,
                  out.memberships.size() * sizeof(packet_diag_mclist));
      break;
    case PACKET_DIAG_RX_RING:
    case PACKET_DIAG_TX_RING:
      out.has_ring = true;
      break;
    case PACKET_DIAG_FANOUT:
      out.has_fanout = true;
      break;
    default:
      break;
  }
}

PacketSocket read_answer(const nlmsghdr* header) {
  PacketSocket socket;
  each_attribute<packet_diag_msg>(
      header, [&socket](const rtattr* attribute) { take_attribute(attribute, socket); });
  return socket;
}

/// What a message says of that socket; nothing: it speaks of others.
Result<std::optional<PacketSocket>> look_at(const nlmsghdr* header, uint64_t inode) {
  if (header->nlmsg_type == NLMSG_ERROR)
    return diag_error(-static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error);
  if (header->nlmsg_type == NLMSG_DONE) return diag_error(ENOENT);
  if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
      header->nlmsg_len < NLMSG_LENGTH(sizeof(packet_diag_msg)))
    return diag_error(EBADMSG);
  const auto* body = static_cast<const packet_diag_msg*>(NLMSG_DATA(header));
  if (body->pdiag_ino != static_cast<uint32_t>(inode)) return std::optional<PacketSocket>();
  return std::optional(read_answer(header));
}

}  // namespace

Result<PacketSocket> packet_diag(pid_t pid, uint64_t inode) {
  auto netlink = socket_in_namespace(pid, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
  if (!netlink) return diag_error(netlink.error().err);
  THAW_TRY(send_request(netlink.value().get()));
  alignas(nlmsghdr) char buffer[32768];
  for (;;) {
    const ssize_t size = recv(netlink.value().get(), buffer, sizeof(buffer), 0);
    if (size <= 0) return diag_error(size < 0 ? errno : EBADMSG);
    auto left = static_cast<unsigned>(size);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      THAW_ASSIGN(found, look_at(header, inode));
      if (found) return *found;
    }
  }
}

}  // namespace thaw::fd
