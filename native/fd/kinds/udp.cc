// Sockets of IP without connections: UDP, UDP-Lite, raw ones and those for ping; new, bound, with
// multicast groups, connected to one of the app's own. One with another peer is a connection to the
// outside (connected_socket.cc).
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "fd/connected.h"
#include "fd/kinds.h"
#include "fd/multicast.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

struct UdpRecord {
  SocketRecord socket;
  Memberships groups;
  SocketAddress peer;  ///< one of the app's own sockets, size 0: none
};

bool is_known(int type, int protocol) {
  if (type == SOCK_RAW) return true;
  return type == SOCK_DGRAM && (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
                                protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
}

bool matches(const Probe& probe) {
  const SocketType type = socket_type(probe);
  return (type.domain == AF_INET || type.domain == AF_INET6) && is_known(type.type, type.protocol);
}

bool is_raw(const SocketRecord& socket) {
  return socket.type == SOCK_RAW;
}

std::string protocol_text(const SocketRecord& socket) {
  if (is_raw(socket)) return "IP protocol " + std::to_string(socket.protocol);
  return socket.protocol == IPPROTO_UDP       ? "UDP"
         : socket.protocol == IPPROTO_UDPLITE ? "UDP-Lite"
                                              : "ICMP";
}

/// A raw socket has its protocol where others have a port.
bool has_name(const SocketRecord& socket) {
  if (!is_raw(socket)) return is_bound(socket.local);
  const std::string address = address_text(socket.local);
  return !address.starts_with("0.0.0.0:") && !address.starts_with("[::]:");
}

/// One of these sockets is a multicast router's (MRT_INIT): the kernel does not say which.
Result<void> refuse_router(const Probe& probe, const SocketRecord& socket) {
  const bool may_route =
      is_raw(socket) && (socket.protocol == IPPROTO_IGMP || socket.protocol == IPPROTO_ICMPV6);
  if (!may_route) return {};
  const char* table = socket.domain == AF_INET ? "/net/ip_mr_vif" : "/net/ip6_mr_vif";
  const auto interfaces = read_file("/proc/" + std::to_string(probe.pid) + table);
  if (!interfaces || split(interfaces.value(), "\n").size() < 2) return {};
  return refuse(probe, "may be that of a multicast router (MRT_INIT)",
                "let the app become one after the checkpoint");
}

/// Family, port and IP address; not those of IPv6 that need an interface.
struct Place {
  sa_family_t family = AF_UNSPEC;
  in_port_t port = 0;
  std::string address;
  bool any = false, loopback = false;
};

Place place_of(const SocketAddress& address) {
  Place place;
  sockaddr_storage storage = {};
  std::memcpy(&storage, address.bytes, sizeof(address.bytes));
  if (address.family() == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    const uint32_t number = ntohl(in.sin_addr.s_addr);
    place = {AF_INET, in.sin_port, std::to_string(number), number == INADDR_ANY,
             number >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET};
  } else if (address.family() == AF_INET6 && address.interface[0] == '\0') {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    place = {AF_INET6, in.sin6_port,
             std::string(reinterpret_cast<const char*>(&in.sin6_addr), sizeof(in.sin6_addr)),
             IN6_IS_ADDR_UNSPECIFIED(&in.sin6_addr) != 0, IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) != 0};
  }
  return place;
}

/// Whether what is sent to `peer` comes to a socket that is bound there.
bool receives(const SocketAddress& bound, const SocketAddress& peer) {
  const Place here = place_of(bound), there = place_of(peer);
  return there.family != AF_UNSPEC && here.family == there.family && here.port == there.port &&
         (here.address == there.address || (here.any && there.loopback));
}

/// Whether `peer`, to which the probe's socket is connected, is one of the app's own.
bool is_own(const Collector& c, const Probe& probe, const SocketAddress& peer) {
  const SocketType own = socket_type(probe);
  if (own.protocol != IPPROTO_UDP && own.protocol != IPPROTO_UDPLITE) return false;
  return std::any_of(c.probes.begin(), c.probes.end(), [&own, &peer](const Probe& other) {
    const SocketType type = socket_type(other);
    return type.type == SOCK_DGRAM && type.protocol == own.protocol &&
           receives(local_address(other.copy.get()), peer);
  });
}

/// Whether a datagram waits. poll alone would believe in one with a wrong checksum, and a pending
/// error stays the app's: it is not read away.
bool has_waiting(int fd) {
  const short ready = poll_now(fd);
  if ((ready & POLLIN) == 0) return false;
  if ((ready & POLLERR) != 0) return true;
  char byte = 0;
  return recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC) >= 0 &&
         (ready & POLLRDHUP) == 0;
}

/// Data of MSG_MORE or UDP_CORK wait in the socket until the datagram is whole; what is on its way
/// to the device leaves within a moment.
bool is_corked(int fd) {
  constexpr int kLooks = 20;
  for (int look = 0; look < kLooks; ++look) {
    int unsent = 0;
    if (ioctl(fd, SIOCOUTQ, &unsent) != 0 || unsent == 0) return false;
    const timespec moment = {0, 1'000'000};
    nanosleep(&moment, nullptr);
  }
  return true;
}

std::string note(const UdpRecord& record) {
  const std::string protocol = protocol_text(record.socket);
  if (!has_name(record.socket)) return protocol + ", not bound";
  std::string text = protocol + ", bound to " + address_text(record.socket.local);
  if (record.peer.size != 0) text += ", sends to its own socket " + address_text(record.peer);
  if (record.groups.count != 0)
    text += ", " + std::to_string(record.groups.count) + " multicast groups";
  return text;
}

Result<void> collect(Collector& c, const Probe& probe, model::OpenFile& out) {
  UdpRecord record;
  THAW_TRY(collect_socket(c, probe, record.socket));
  THAW_TRY(refuse_hidden_option(c, probe));
  THAW_TRY(refuse_router(probe, record.socket));
  if (is_corked(probe.copy.get()))
    return refuse(probe, "has part of a datagram that is not sent yet (UDP_CORK, MSG_MORE)",
                  "let the app send the rest before the checkpoint (lengthen `settle`)");
  const SocketAddress peer = peer_address(probe.copy.get());
  if (peer.size != 0 && is_own(c, probe, peer)) {
    record.peer = peer;
  } else if (peer.size != 0) {
    if (record.socket.filter.size != 0)
      return refuse(probe, "has a packet filter (SO_ATTACH_FILTER), and a peer",
                    "attach the filter after the checkpoint");
    return collect_connected(
        c, probe, record.socket, peer,
        "is connected over " + protocol_text(record.socket) + " to " + address_text(peer), out);
  }
  THAW_TRY(collect_memberships(probe, record.groups));
  if ((poll_now(probe.copy.get()) & POLLRDHUP) != 0) record.socket.shutdown = kShutRead;
  if (has_waiting(probe.copy.get()))
    THAW_TRY(drop_waiting(c, probe, address_text(record.socket.local),
                          "datagrams that the app has not read", out));
  out.payload = c.image.record(record);
  out.note = c.image.blob(note(record));
  return {};
}

Result<void> connect_to_own(int fd, const SocketAddress& peer) {
  if (peer.size == 0) return {};
  THAW_ASSIGN(storage, current_address(fd, peer));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&storage), peer.size) == 0) return {};
  return errno_error("cannot connect to " + address_text(peer));
}

Result<UniqueFd> open_udp(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<UdpRecord>(file.payload);
  THAW_ASSIGN(fd, make_socket(opener.image, record.socket));
  if (has_name(record.socket)) THAW_TRY(bind_socket(fd.get(), record.socket.local));
  THAW_TRY(join(fd.get(), record.groups));
  THAW_TRY(connect_to_own(fd.get(), record.peer));
  // Without a peer the kernel says ENOTCONN and shuts down nevertheless.
  if (record.socket.shutdown != 0) shutdown(fd.get(), SHUT_RD);
  THAW_TRY(apply_options(fd.get(), record.socket.options, OptionPhase::last));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<UdpRecord>(file.payload);
  if (record == nullptr) return "a UDP socket's record has a wrong size";
  if (!is_known(record->socket.type, record->socket.protocol))
    return "a UDP socket is of another protocol";
  if (const char* problem = validate_filter(view, record->socket)) return problem;
  if (const char* problem = validate_address(record->peer, record->socket.domain)) return problem;
  if (const char* problem = validate_memberships(record->groups)) return problem;
  return validate_socket(record->socket, 0);
}

}  // namespace

constinit const Kind kUdp = {
    .name = "datagram socket",
    .policy = kDropsWaiting,
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_udp,
    .validate = validate,
    .seen_outside = true,
};

}  // namespace thaw::fd
