#include "fd/dead_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>

namespace thaw::fd {
namespace {

/// Options matter little to a socket that carries nothing: one that cannot be set is no reason to
/// give up the launch.
UniqueFd with_options(UniqueFd fd, const SocketRecord& record) {
  for (const OptionPhase phase : {OptionPhase::before_bind, OptionPhase::last})
    static_cast<void>(apply_options(fd.get(), record.options, phase));
  return fd;
}

/// An MPTCP socket that never connected blocks its readers; a TCP one does not.
Result<UniqueFd> inet_socket(const SocketRecord& record) {
  const int protocol = record.protocol == IPPROTO_MPTCP ? IPPROTO_TCP : record.protocol;
  UniqueFd fd(socket(record.domain, record.type | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return errno_error("cannot make a socket");
  return fd;
}

struct Pair {
  UniqueFd own, other;
};

Result<Pair> unix_pair(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0)
    return errno_error("cannot make a socket pair");
  return Pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// A packet filter may drop what goes over the loopback interface: connect(2) and accept(2) would wait
/// for minutes, or for ever.
constexpr timeval kPatience = {0, 200'000};

/// A TCP socket that listens on a port of the loopback interface which the kernel chooses; none
/// where that is down.
UniqueFd loopback_listener(sockaddr_in& name) {
  UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  socklen_t size = sizeof(name);
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* address = reinterpret_cast<sockaddr*>(&name);
  setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  if (!listener.valid() || bind(listener.get(), address, size) != 0 ||
      listen(listener.get(), 1) != 0 || getsockname(listener.get(), address, &size) != 0)
    listener.reset();
  return listener;
}

bool connect_over_loopback(int fd, int domain, const sockaddr_in& name) {
  if (domain == AF_INET)
    return connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
  const int both = 0;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof(both));
  sockaddr_in6 mapped = {};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = name.sin_port;
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
  return connect(fd, reinterpret_cast<const sockaddr*>(&mapped), sizeof(mapped)) == 0;
}

in_port_t own_port(int fd) {
  sockaddr_in6 name = {};  // The port stands at the same place in sockaddr_in.
  socklen_t size = sizeof(name);
  return getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 ? name.sin6_port : 0;
}

/// Closes the other end of `fd`; others may have connected to the port as well.
bool close_peer(int listener, int fd) {
  constexpr int kMostOthers = 8;
  const in_port_t port = own_port(fd);
  for (int i = 0; i < kMostOthers; ++i) {
    sockaddr_in peer = {};
    socklen_t size = sizeof(peer);
    const UniqueFd other(
        accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
    if (!other.valid()) return false;
    if (peer.sin_port == port) return true;
  }
  return false;
}

/// Connects a new TCP socket and has its other end closed, or reset: that is what becomes of a
/// connection that nobody has accepted. False: there is no loopback interface, or
/// none that lets packets pass.
bool lose_peer(int fd, int domain, bool reset) {
  sockaddr_in name = {};
  const UniqueFd listener = loopback_listener(name);
  if (!listener.valid()) return false;
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  if (!connect_over_loopback(fd, domain, name)) return false;
  const timeval none = {};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
  return reset || close_peer(listener.get(), fd);
}

/// A stream whose other end is lost.
Result<UniqueFd> make_lost(const SocketRecord& record, bool reset) {
  if (record.domain == AF_UNIX) {
    THAW_ASSIGN(pair, unix_pair(record.type));
    // One that closes with something unread in it resets the other.
    if (reset) (void)!write(pair.own.get(), "", 1);
    pair.other.reset();
    return with_options(std::move(pair.own), record);
  }
  THAW_ASSIGN(fd, inet_socket(record));
  if (!lose_peer(fd.get(), record.domain, reset)) return make_dead_socket(record);
  return with_options(std::move(fd), record);
}

}  // namespace

Result<UniqueFd> make_dead_socket(const SocketRecord& record) {
  if (record.domain == AF_UNIX) {
    THAW_ASSIGN(pair, unix_pair(record.type));
    pair.other.reset();
    return with_options(std::move(pair.own), record);
  }
  THAW_ASSIGN(fd, inet_socket(record));
  // ENOTCONN is reported, and yet from then on reads give EOF and writes EPIPE.
  if (shutdown(fd.get(), SHUT_RDWR) != 0 && errno != ENOTCONN)
    return errno_error("cannot shut a socket down");
  return with_options(std::move(fd), record);
}

Result<UniqueFd> open_dead_stream(Opener&, const model::OpenFile&) {
  SocketRecord record;
  record.domain = AF_UNIX;
  record.type = SOCK_STREAM;
  return make_dead_socket(record);
}

Result<UniqueFd> make_left_socket(const SocketRecord& record) {
  return record.type == SOCK_STREAM ? make_lost(record, false) : make_dead_socket(record);
}

Result<UniqueFd> make_reset_socket(const SocketRecord& record) {
  return record.type == SOCK_DGRAM ? make_dead_socket(record) : make_lost(record, true);
}

}  // namespace thaw::fd
