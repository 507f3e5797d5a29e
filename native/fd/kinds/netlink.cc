// Netlink sockets that listen to the kernel's news: routes and links, and device events. They come
// back with their groups; what happened between checkpoint and launch is not told, as on a socket
// just opened.
#include <linux/netlink.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

#include "fd/kinds.h"
#include "fd/socket.h"

namespace thaw::fd {
namespace {

constexpr uint32_t kMaxGroups = 128;

struct NetlinkRecord {
  SocketRecord socket;
  uint32_t port = 0;       ///< nl_pid that the app has; 0: not bound
  uint32_t automatic = 0;  ///< 1: the kernel had chosen it after the process id
  uint32_t groups[kMaxGroups / 32] = {};
  uint32_t peer_groups = 0;  ///< mask of the group that it is connected to, 0: none
  uint32_t reserved = 0;
};

bool matches(const Probe& probe) {
  const SocketType type = socket_type(probe);
  return type.domain == AF_NETLINK &&
         (type.protocol == NETLINK_ROUTE || type.protocol == NETLINK_KOBJECT_UEVENT);
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);

sockaddr_nl name_of(int fd, NameCall call) {
  sockaddr_nl name = {};
  socklen_t size = sizeof(name);
  call(fd, reinterpret_cast<sockaddr*>(&name), &size);
  return name;
}

/// connect(2) to the kernel shows in nothing, and changes nothing of what is sent.
Result<void> read_peer(const Probe& probe, NetlinkRecord& record) {
  const sockaddr_nl peer = name_of(probe.copy.get(), [](int fd, sockaddr* a, socklen_t* size) {
    return getpeername(fd, a, size);
  });
  record.peer_groups = peer.nl_groups;
  if (peer.nl_pid == 0) return {};
  return refuse(probe,
                "is a netlink socket connected to another process's (" +
                    std::to_string(peer.nl_pid) + "), which a launch would not find",
                "connect it after the checkpoint, or close it before");
}

Result<void> read_groups(const Probe& probe, NetlinkRecord& record) {
  socklen_t size = sizeof(record.groups);
  const int status =
      getsockopt(probe.copy.get(), SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, record.groups, &size);
  if (status != 0 || size > sizeof(record.groups))
    return refuse(probe, "is a netlink socket whose groups cannot be read",
                  "open it after the checkpoint");
  return {};
}

bool is_member(const NetlinkRecord& record, uint32_t group) {
  return (record.groups[(group - 1) / 32] & (1u << ((group - 1) % 32))) != 0;
}

std::string note(const NetlinkRecord& record) {
  std::string text =
      record.socket.protocol == NETLINK_ROUTE ? "netlink route" : "netlink device events";
  const char* separator = ", groups ";
  for (uint32_t group = 1; group <= kMaxGroups; ++group) {
    if (!is_member(record, group)) continue;
    text += separator + std::to_string(group);
    separator = " ";
  }
  return text;
}

/// A launch's first process makes all sockets: the kernel would not number this one as the process
/// that has it.
Result<void> refuse_number_of_other(const Probe& probe, const NetlinkRecord& record) {
  const bool of_other =
      std::any_of(probe.members.begin() + 1, probe.members.end(),
                  [&record](pid_t pid) { return record.port == static_cast<uint32_t>(pid); });
  if (!of_other) return {};
  return refuse(
      probe,
      "is a netlink socket that has the pid of another process than the app's first as its "
      "number, which a launch could not give it",
      "open it after the checkpoint, or in the app's first process; GLib's monitor of the network "
      "does without it (GIO_USE_NETWORK_MONITOR=base)");
}

Result<void> collect(Collector& c, const Probe& probe, model::OpenFile& out) {
  NetlinkRecord record;
  THAW_TRY(collect_socket(c, probe, record.socket));
  record.socket.local = {};
  const sockaddr_nl name = name_of(probe.copy.get(), [](int fd, sockaddr* a, socklen_t* size) {
    return getsockname(fd, a, size);
  });
  THAW_TRY(read_peer(probe, record));
  record.port = name.nl_pid;
  record.automatic = name.nl_pid == static_cast<uint32_t>(probe.members.front()) ? 1 : 0;
  THAW_TRY(refuse_number_of_other(probe, record));
  THAW_TRY(read_groups(probe, record));
  if ((poll_now(probe.copy.get()) & POLLIN) != 0)
    THAW_TRY(drop_waiting(c, probe, "netlink", "messages that the app has not read", out));
  out.payload = c.image.record(record);
  out.note = c.image.blob(note(record));
  return {};
}

/// An app may have kept its own number, so it gets the same; but numbers after the process id, or
/// taken by now, are the kernel's to choose.
Result<void> bind_port(int fd, const NetlinkRecord& record) {
  if (record.port == 0) return {};
  sockaddr_nl name = {};
  name.nl_family = AF_NETLINK;
  name.nl_pid = record.automatic != 0 ? 0 : record.port;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0) return {};
  name.nl_pid = 0;
  if (errno != EADDRINUSE || bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0)
    return errno_error("cannot bind a netlink socket");
  return {};
}

Result<void> connect_groups(int fd, uint32_t groups) {
  if (groups == 0) return {};
  sockaddr_nl peer = {};
  peer.nl_family = AF_NETLINK;
  peer.nl_groups = groups;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) == 0) return {};
  return errno_error("cannot connect a netlink socket to its group",
                     "it needs CAP_NET_ADMIN, as when the app did it");
}

Result<UniqueFd> open_netlink(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<NetlinkRecord>(file.payload);
  THAW_ASSIGN(fd, make_socket(opener.image, record.socket));
  THAW_TRY(bind_port(fd.get(), record));
  THAW_TRY(connect_groups(fd.get(), record.peer_groups));
  for (uint32_t group = 1; group <= kMaxGroups; ++group) {
    if (!is_member(record, group)) continue;
    if (setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
      return errno_error("cannot join netlink group " + std::to_string(group));
  }
  THAW_TRY(apply_options(fd.get(), record.socket.options, OptionPhase::last));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<NetlinkRecord>(file.payload);
  if (record == nullptr) return "a netlink socket's record has a wrong size";
  if (record->socket.protocol != NETLINK_ROUTE && record->socket.protocol != NETLINK_KOBJECT_UEVENT)
    return "a netlink socket is of another protocol";
  if (record->automatic > 1) return "a netlink socket's record is broken";
  if (const char* problem = validate_filter(view, record->socket)) return problem;
  return validate_socket(record->socket, AF_NETLINK);
}

}  // namespace

constinit const Kind kNetlink = {
    .name = "netlink socket",
    .policy = kDropsWaiting,
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_netlink,
    .validate = validate,
};

}  // namespace thaw::fd
