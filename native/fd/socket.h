// What all socket kinds share: how a socket describes itself, addresses as records.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "fd/kind.h"
#include "fd/socket_options.h"

namespace thaw::fd {

/// A socket address as the image holds it. `interface` names what sin6_scope_id numbers: numbers
/// change with a boot.
struct SocketAddress {
  uint32_t size = 0;  ///< bytes used, as getsockname gave it; 0: none
  uint32_t reserved = 0;
  char interface[16] = {};
  uint8_t bytes[sizeof(sockaddr_storage)] = {};

  [[nodiscard]] sa_family_t family() const;
};

/// The first part of every socket kind's payload: what socket(2) needs, and the options.
struct SocketRecord {
  int32_t domain = 0;     ///< AF_*
  int32_t type = 0;       ///< SOCK_*
  int32_t protocol = 0;   ///< IPPROTO_* or NETLINK_*
  uint32_t shutdown = 0;  ///< 0, kShutRead, kShutWrite or both
  SocketAddress local;
  SocketOptions options;
  model::Blob filter;  ///< struct sock_filter[] of SO_ATTACH_FILTER; empty: none
  uint32_t filter_locked = 0;
  uint32_t filter_reserved = 0;
};

enum Shutdown : uint32_t { kShutRead = 1, kShutWrite = 2 };

/// An option of SOL_SOCKET that is an int; `otherwise` where the socket has none such.
int socket_option(int fd, int name, int otherwise);
/// Whether it could be set.
bool set_socket_option(int fd, int name, int value);

// ---- at checkpoint

/// SO_DOMAIN, SO_TYPE, SO_PROTOCOL of the descriptor, -1 each if it is no socket.
struct SocketType {
  int domain = -1;
  int type = -1;
  int protocol = -1;
};
SocketType socket_type(const Probe& probe);

/// tcpi_state of a TCP or MPTCP socket (TCP_LISTEN, ...), -1 if it has none.
int tcp_state(int fd);

/// poll(2) without waiting, on everything that can be asked for.
short poll_now(int fd);

/// getsockname; an address of size 0 on failure.
SocketAddress local_address(int fd);
/// getpeername; an address of size 0 if it is not connected.
SocketAddress peer_address(int fd);

/// Whether the address names something (a port, an IP address, a path): what bind(2) was called
/// for.
bool is_bound(const SocketAddress& address);

/// "127.0.0.1:8123", "[::1]:8123", "/run/app.sock", "@abstract", "unnamed".
std::string address_text(const SocketAddress& address);

/// Fills `record` for the probe's socket, options included; refuses filters.
Result<void> collect_socket(const Probe& probe, SocketRecord& record);
/// The same with a classic filter; refuses eBPF ones.
Result<void> collect_socket(Collector& collector, const Probe& probe, SocketRecord& record);

/// Refuses a socket with an option that only who has watched the app knows of
/// (SO_ATTACH_REUSEPORT_CBPF and _EBPF, IP_ROUTER_ALERT).
Result<void> refuse_hidden_option(const Collector& collector, const Probe& probe);

/// A socket in which `what` waits, sent by others who will not send it again to the launched app:
/// dropped under the policy `reopen`, left out under `ignore`, else refused (kDropsWaiting).
Result<void> drop_waiting(const Collector& collector, const Probe& probe, const std::string& name,
                          const std::string& what, model::OpenFile& out);

/// The policies of sockets that need one only for what waits in them, and call drop_waiting().
inline constexpr PolicyUse kDropsWaiting = {
    .type = policy::Type::socket,
    .actions = {Action::reopen, Action::ignore},
    .asked = PolicyUse::Asked::by_kind,
};

// ---- at launch

/// socket(2) with SOCK_CLOEXEC and the options that must stand before bind.
Result<UniqueFd> make_socket(const SocketRecord& record);
/// The same with its filter: nothing passes by it.
Result<UniqueFd> make_socket(const image::View& view, const SocketRecord& record);

/// The filter of a socket that was made without, and whether it is locked.
Result<void> attach_filter(const image::View& view, int fd, const SocketRecord& record);

/// bind(2); EADDRINUSE and EACCES come with a remedy.
Result<void> bind_socket(int fd, const SocketAddress& address);

/// The address to give to the kernel at launch: with the interface's number of today.
Result<sockaddr_storage> current_address(int fd, const SocketAddress& address);

/// shutdown(2) as the record says.
Result<void> restore_shutdown(int fd, const SocketRecord& record);

/// What is wrong with the record, or null. Only sockets of `domain` (0: AF_INET or AF_INET6) pass.
const char* validate_socket(const SocketRecord& record, int domain);
/// What is wrong with the record's filter, or null; for kinds that attach it.
const char* validate_filter(const image::View& view, const SocketRecord& record);
/// What is wrong with an address of that family, or null. An empty address passes.
const char* validate_address(const SocketAddress& address, int family);

}  // namespace thaw::fd
