#include "fd/socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstring>
#include <vector>

#include "fd/actions.h"
#include "fd/net_namespace.h"
#include "fd/payload.h"

namespace thaw::fd {
namespace {

constexpr socklen_t kUnixPathAt = offsetof(sockaddr_un, sun_path);

template <typename T>
T as(const SocketAddress& address) {
  T value;
  std::memcpy(&value, address.bytes, sizeof(value));
  return value;
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);

SocketAddress read_address(int fd, NameCall call) {
  SocketAddress address;
  socklen_t size = sizeof(address.bytes);
  if (call(fd, reinterpret_cast<sockaddr*>(address.bytes), &size) != 0) return {};
  // The kernel counts the NUL behind a path that fills sun_path, and would not take that size back.
  if (address.family() == AF_UNIX) size = std::min<socklen_t>(size, sizeof(sockaddr_un));
  address.size = std::min<socklen_t>(size, sizeof(address.bytes));
  if (address.family() != AF_INET6 || as<sockaddr_in6>(address).sin6_scope_id == 0) return address;
  ifreq request = {};
  request.ifr_ifindex = static_cast<int>(as<sockaddr_in6>(address).sin6_scope_id);
  if (ioctl(fd, SIOCGIFNAME, &request) == 0)
    std::memcpy(address.interface, request.ifr_name, IFNAMSIZ);
  return address;
}

std::string unix_text(const SocketAddress& address) {
  if (address.size <= kUnixPathAt) return "unnamed";
  const char* path = reinterpret_cast<const char*>(address.bytes) + kUnixPathAt;
  const size_t room = address.size - kUnixPathAt;
  if (path[0] != '\0') return {path, strnlen(path, room)};
  std::string text(path, room);
  for (char& c : text)
    if (std::isprint(static_cast<unsigned char>(c)) == 0) c = '@';
  return text;
}

std::string inet_text(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.family() == AF_INET) {
    const auto in = as<sockaddr_in>(address);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
  }
  const auto in = as<sockaddr_in6>(address);
  inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
  const std::string scope =
      address.interface[0] == '\0' ? "" : std::string("%") + address.interface;
  return "[" + std::string(text) + scope + "]:" + std::to_string(ntohs(in.sin6_port));
}

/// In the kernel's words, of an eBPF one as well.
bool has_filter(int fd) {
  socklen_t count = 0;  // With a size of 0 the kernel counts the instructions.
  if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, nullptr, &count) == 0) return count != 0;
  return errno == EACCES;
}

Error bind_error(const SocketAddress& address) {
  const int err = errno;
  const char* remedy = "";
  if (err == EADDRINUSE)
    remedy =
        "stop the process that has it, give each instance its own network namespace, or let the "
        "app set SO_REUSEPORT";
  if (err == EACCES) remedy = "a low port needs CAP_NET_BIND_SERVICE, a path a writable directory";
  if (err == EADDRNOTAVAIL) remedy = "give an interface this address";
  return {err, "cannot listen on " + address_text(address), remedy};
}

}  // namespace

sa_family_t SocketAddress::family() const {
  return size == 0 && bytes[0] == 0 ? sa_family_t{AF_UNSPEC} : as<sockaddr>(*this).sa_family;
}

int socket_option(int fd, int name, int otherwise) {
  int value = otherwise;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : otherwise;
}

bool set_socket_option(int fd, int name, int value) {
  return setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)) == 0;
}

SocketType socket_type(const Probe& probe) {
  if (!S_ISSOCK(probe.status.st_mode) || !probe.copy.valid()) return {};
  const int fd = probe.copy.get();
  return {socket_option(fd, SO_DOMAIN, -1), socket_option(fd, SO_TYPE, -1),
          socket_option(fd, SO_PROTOCOL, -1)};
}

int tcp_state(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  return getsockopt(fd, SOL_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_state : -1;
}

short poll_now(int fd) {
  pollfd entry = {fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
  return poll(&entry, 1, 0) > 0 ? entry.revents : short{0};
}

SocketAddress local_address(int fd) {
  return read_address(fd, [](int s, sockaddr* a, socklen_t* n) { return getsockname(s, a, n); });
}

SocketAddress peer_address(int fd) {
  return read_address(fd, [](int s, sockaddr* a, socklen_t* n) { return getpeername(s, a, n); });
}

bool is_bound(const SocketAddress& address) {
  switch (address.family()) {
    case AF_UNIX:
      return address.size > kUnixPathAt;
    case AF_INET: {
      const auto in = as<sockaddr_in>(address);
      return in.sin_port != 0 || in.sin_addr.s_addr != htonl(INADDR_ANY);
    }
    case AF_INET6: {
      const auto in = as<sockaddr_in6>(address);
      return in.sin6_port != 0 ||
             std::memcmp(&in.sin6_addr, &in6addr_any, sizeof(in6addr_any)) != 0;
    }
    default:
      return false;
  }
}

std::string address_text(const SocketAddress& address) {
  switch (address.family()) {
    case AF_UNIX:
      return unix_text(address);
    case AF_INET:
    case AF_INET6:
      return inet_text(address);
    default:
      return "unnamed";
  }
}

namespace {

Result<void> read_socket(const Probe& probe, SocketRecord& record) {
  const SocketType type = socket_type(probe);
  record.domain = type.domain;
  record.type = type.type;
  record.protocol = type.protocol;
  record.local = local_address(probe.copy.get());
  auto fresh = socket_in_namespace(probe.pid, type.domain, type.type, type.protocol);
  if (!fresh)
    return refuse(probe, "has options that cannot be read: " + fresh.error().what(),
                  fresh.error().remedy);
  if (!same_namespace(probe.copy.get(), fresh.value().get()))
    return refuse(probe, "belongs to another network namespace than the app",
                  "open it after the app has entered its namespace");
  if (auto read = read_options(probe.copy.get(), fresh.value().get(), record.options); !read)
    return refuse(probe, "has options that cannot be kept: " + read.error().what(),
                  read.error().remedy);
  return {};
}

Result<void> read_filter(Collector& c, const Probe& probe, SocketRecord& record) {
  const int fd = probe.copy.get();
  record.filter_locked = socket_option(fd, SO_LOCK_FILTER, -1) == 1 ? 1 : 0;
  if (!has_filter(fd)) return {};
  // Sizes count instructions.
  std::vector<sock_filter> program(BPF_MAXINSNS);
  auto count = static_cast<socklen_t>(program.size());
  if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, program.data(), &count) != 0)
    return refuse(probe, "has a filter that is an eBPF program (SO_ATTACH_BPF)",
                  "attach it after the checkpoint, or use a classic one (SO_ATTACH_FILTER)");
  record.filter =
      c.image.blob({reinterpret_cast<const char*>(program.data()), count * sizeof(sock_filter)});
  return {};
}

}  // namespace

Result<void> collect_socket(const Probe& probe, SocketRecord& record) {
  THAW_TRY(read_socket(probe, record));
  if (has_filter(probe.copy.get()))
    return refuse(probe, "has a packet filter (SO_ATTACH_FILTER or SO_ATTACH_BPF)",
                  "attach the filter after the checkpoint");
  return {};
}

Result<void> collect_socket(Collector& c, const Probe& probe, SocketRecord& record) {
  THAW_TRY(read_socket(probe, record));
  return read_filter(c, probe, record);
}

Result<void> refuse_hidden_option(const Collector& collector, const Probe& probe) {
  if (collector.seen == nullptr) return {};
  const auto found = collector.seen->hidden_options.find(probe.status.st_ino);
  if (found == collector.seen->hidden_options.end()) return {};
  return refuse(probe,
                std::string("has the option ") + found->second +
                    ", of which the kernel does not show what it is set to",
                "set it after the checkpoint");
}

Result<void> drop_waiting(const Collector& collector, const Probe& probe, const std::string& name,
                          const std::string& what, model::OpenFile& out) {
  constexpr policy::Actions kActions = kDropsWaiting.actions;
  THAW_ASSIGN(action, choose_action(collector, probe, policy::Type::socket, name, kActions));
  out.action = static_cast<uint32_t>(action);
  if (action != Action::error) return {};
  return refuse(probe, "(" + name + ") has " + what,
                "let the clients of the warm-up end before the checkpoint (lengthen `settle`), or "
                "drop what waits: " +
                    policy::suggestion(policy::Type::socket, name, kActions));
}

Result<UniqueFd> make_socket(const SocketRecord& record) {
  UniqueFd fd(socket(record.domain, record.type | SOCK_CLOEXEC, record.protocol));
  if (!fd.valid()) return errno_error("cannot make the socket " + address_text(record.local));
  THAW_TRY(apply_options(fd.get(), record.options, OptionPhase::before_bind));
  return fd;
}

Result<UniqueFd> make_socket(const image::View& view, const SocketRecord& record) {
  THAW_ASSIGN(fd, make_socket(record));
  THAW_TRY(attach_filter(view, fd.get(), record));
  return fd;
}

Result<void> attach_filter(const image::View& view, int fd, const SocketRecord& record) {
  const std::string_view bytes = view.bytes(record.filter);
  sock_fprog program = {static_cast<unsigned short>(bytes.size() / sizeof(sock_filter)),
                        reinterpret_cast<sock_filter*>(const_cast<char*>(bytes.data()))};
  const int locked = 1;
  if (!bytes.empty() &&
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
    return errno_error("cannot attach the filter of the socket " + address_text(record.local));
  if (record.filter_locked != 0 &&
      setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked, sizeof(locked)) != 0)
    return errno_error("cannot lock the filter of the socket " + address_text(record.local));
  return {};
}

Result<sockaddr_storage> current_address(int fd, const SocketAddress& address) {
  sockaddr_storage storage = {};
  std::memcpy(&storage, address.bytes, sizeof(storage));
  if (address.interface[0] == '\0') return storage;
  ifreq request = {};
  std::memcpy(request.ifr_name, address.interface, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFINDEX, &request) != 0)
    return errno_error(std::string("no network interface ") + request.ifr_name + " for " +
                       address_text(address));
  reinterpret_cast<sockaddr_in6&>(storage).sin6_scope_id =
      static_cast<uint32_t>(request.ifr_ifindex);
  return storage;
}

Result<void> bind_socket(int fd, const SocketAddress& address) {
  THAW_ASSIGN(storage, current_address(fd, address));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&storage), address.size) != 0)
    return bind_error(address);
  return {};
}

Result<void> restore_shutdown(int fd, const SocketRecord& record) {
  if (record.shutdown == 0) return {};
  const int how = record.shutdown == kShutRead    ? SHUT_RD
                  : record.shutdown == kShutWrite ? SHUT_WR
                                                  : SHUT_RDWR;
  if (shutdown(fd, how) != 0)
    return errno_error("cannot shut down the socket " + address_text(record.local));
  return {};
}

const char* validate_filter(const image::View& view, const SocketRecord& record) {
  const bool sound = valid_blob(view, record.filter) && record.filter_locked <= 1 &&
                     record.filter.size % sizeof(sock_filter) == 0 &&
                     record.filter.size <= BPF_MAXINSNS * sizeof(sock_filter);
  return sound ? nullptr : "a socket's filter is broken";
}

const char* validate_address(const SocketAddress& address, int family) {
  if (address.interface[sizeof(address.interface) - 1] != '\0')
    return "a socket's interface name does not end";
  if (address.size == 0) return nullptr;
  if (address.family() != family) return "a socket's address is of another family";
  switch (family) {
    case AF_UNIX:
      return address.size >= kUnixPathAt && address.size <= sizeof(sockaddr_un)
                 ? nullptr
                 : "a unix socket's address has a wrong size";
    case AF_INET:
      return address.size == sizeof(sockaddr_in) ? nullptr : "an IPv4 address has a wrong size";
    case AF_INET6:
      return address.size == sizeof(sockaddr_in6) ? nullptr : "an IPv6 address has a wrong size";
    default:
      return "a socket's address is of an unknown family";
  }
}

const char* validate_socket(const SocketRecord& record, int domain) {
  const bool inet = record.domain == AF_INET || record.domain == AF_INET6;
  if (domain == 0 ? !inet : record.domain != domain) return "a socket is of a wrong family";
  if (record.type != SOCK_STREAM && record.type != SOCK_DGRAM && record.type != SOCK_SEQPACKET &&
      record.type != SOCK_RAW)
    return "a socket is of an unknown type";
  if (record.shutdown > (kShutRead | kShutWrite)) return "a socket's shutdown state is unknown";
  if (record.local.size != 0 && record.domain != AF_NETLINK)
    if (const char* problem = validate_address(record.local, record.domain)) return problem;
  return validate_options(record.options);
}

}  // namespace thaw::fd
