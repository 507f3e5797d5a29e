// Sockets connected to other processes or machines. The other end will not know the launched app,
// so a policy decides:
//   close      comes back left by its peer: reads give EOF, nothing blocks; the app does what it does
//              on a lost peer
//   reset      the same, but the first read or write gives ECONNRESET; streams only
//   reconnect  connects to the same address at launch; a failure shows as on any connection that
//              fails
//   ignore     the descriptor is left out
// Without one, only the log's socket is connected again.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cstring>

#include "fd/actions.h"
#include "fd/connected.h"
#include "fd/dead_socket.h"
#include "fd/kinds.h"
#include "fd/protocols.h"
#include "fd/reopen.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::socket;
constexpr policy::Actions kActions = {Action::close, Action::reset, Action::reconnect,
                                      Action::ignore};
constexpr policy::Actions kDatagramActions = {Action::close, Action::reconnect, Action::ignore};
constexpr policy::Actions kReplayedOrLost = {Action::replay, Action::close, Action::reset,
                                             Action::ignore};
constexpr policy::Actions kLost = {Action::close, Action::reset, Action::ignore};

enum class Revival : uint32_t { dead = 0, reconnect, inside, reset, left };

struct ConnectedRecord {
  SocketRecord socket;
  SocketAddress peer;
  Revival revival = Revival::dead;
  uint32_t bind = 0;  ///< 1: the local address is the app's choice, not the kernel's
};

bool matches(const Probe& probe) {
  const SocketType type = socket_type(probe);
  return (type.domain == AF_INET || type.domain == AF_INET6) && type.type == SOCK_STREAM &&
         tcp_state(probe.copy.get()) >= 0;
}

/// Whether bind(2) has named the port. Of those that the kernel chooses from (ip_local_port_range,
/// for IPv6 as well), only who has watched the app knows.
bool chosen_by_app(const Collector& c, const Probe& probe, const SocketRecord& socket) {
  if (c.seen != nullptr && c.seen->bound_sockets.contains(probe.status.st_ino)) return true;
  if (socket.domain != AF_INET && socket.domain != AF_INET6) return false;
  sockaddr_in in;  // the port stands at the same place in sockaddr_in6
  std::memcpy(&in, socket.local.bytes, sizeof(in));
  const uint64_t port = ntohs(in.sin_port);
  auto range = read_file("/proc/sys/net/ipv4/ip_local_port_range");
  const auto words = range ? split(range.value(), " \t\n") : std::vector<std::string_view>();
  const uint64_t first = words.size() == 2 ? number(words[0]) : 1024;
  const uint64_t last = words.size() == 2 ? number(words[1]) : 65535;
  return port != 0 && (port < first || port > last);
}

void fill(Collector& c, const SocketRecord& socket, const SocketAddress& peer, Revival revival,
          const std::string& note, model::OpenFile& out, bool bind = false) {
  ConnectedRecord record;
  record.socket = socket;
  record.peer = peer;
  record.revival = revival;
  record.bind = bind ? 1 : 0;
  out.kind = kind_id(kConnectedSocket);
  out.payload = c.image.record(record);
  out.note = c.image.blob(note);
}

/// A relative name leads elsewhere from another folder.
bool is_relative(const SocketAddress& address) {
  const std::string name = address_text(address);
  return address.family() == AF_UNIX && !name.starts_with('/') && !name.starts_with('@');
}

/// A peer without a lasting name cannot be found again; a bound unix socket would take its own name
/// from others; and where both ends keep a state, a connection alone is none of that state.
policy::Actions known_actions(const Probe& probe, const SocketRecord& socket,
                              const SocketAddress& peer) {
  const bool can_reconnect = is_bound(peer) && !is_relative(peer) &&
                             (socket.domain != AF_UNIX || !is_bound(socket.local)) &&
                             stateful_protocol(address_text(peer), probe.pid) == nullptr;
  if (socket.type == SOCK_DGRAM) return can_reconnect ? kDatagramActions : policy::kCloseOrIgnore;
  return can_reconnect ? kActions : kLost;
}

/// A datagram that waits is one message, and what a launch misses may be lost on any network; but not
/// between unix sockets, where it may be empty as well.
bool has_unread(const Probe& probe, const SocketRecord& socket) {
  if (socket.type == SOCK_DGRAM && socket.domain != AF_UNIX) return false;
  if (socket.type == SOCK_DGRAM)
    return (poll_now(probe.copy.get()) & (POLLIN | POLLRDHUP)) == POLLIN;
  int unread = 0;
  return ioctl(probe.copy.get(), FIONREAD, &unread) == 0 && unread > 0;
}

/// The policy's action. A log is connected again: only a policy that names it says otherwise.
Result<Action> chosen_action(Collector& c, const Probe& probe, const SocketRecord& socket,
                             const SocketAddress& peer) {
  const std::string name = address_text(peer);
  const bool logs = socket.domain == AF_UNIX && socket.type == SOCK_DGRAM &&
                    !is_bound(socket.local) && is_log(name);
  if (logs && !c.policies.choose(kType, name).by_name) return Action::reconnect;
  return choose_action(c, probe, kType, name, known_actions(probe, socket, peer));
}

/// Where the peer has closed its end, waiting may help: once the app has closed its own end too,
/// no policy is needed.
std::string remedy(const Probe& probe, const SocketRecord& socket, const SocketAddress& peer) {
  const std::string name = address_text(peer);
  std::string text = policy::suggestion(kType, name, known_actions(probe, socket, peer));
  if (const Protocol* protocol = stateful_protocol(name, probe.pid)) {
    const std::string what =
        std::string("it speaks with ") + protocol->what +
        ", which would know nothing of the app on a new connection: " + protocol->remedy;
    if (protocol->replayed && socket.domain == AF_UNIX && socket.type == SOCK_STREAM)
      return what +
             "; or have each launch say again what the app has said (replay), or, for an app that "
             "goes on without it, " +
             policy::suggestion(kType, name, kReplayedOrLost);
    return what + "; or, for an app that goes on without it, " + text;
  }
  if (socket.type != SOCK_DGRAM && (poll_now(probe.copy.get()) & POLLRDHUP) != 0)
    text = "the other end has closed it: lengthen `settle` until the app has, or " + text;
  return text;
}

Result<void> collect(Collector& c, const Probe& probe, model::OpenFile& out) {
  SocketRecord socket;
  THAW_TRY(collect_socket(probe, socket));
  const int fd = probe.copy.get();
  if (tcp_state(fd) != TCP_CLOSE) {
    const SocketAddress peer = peer_address(fd);
    return collect_connected(c, probe, socket, peer,
                             "is connected over TCP to " + address_text(peer), out);
  }
  if (has_unread(probe, socket)) {
    const std::string name = address_text(socket.local);
    THAW_ASSIGN(action, choose_action(c, probe, kType, name, policy::kCloseOrIgnore));
    if (action == Action::error)
      return refuse(
          probe, "is a connection that has ended, with data not yet read",
          "lengthen `settle`, or " + policy::suggestion(kType, name, policy::kCloseOrIgnore));
    out.action = static_cast<uint32_t>(action);
  }
  collect_ended(c, probe, socket, out);
  return {};
}

/// Asynchronous, so that a launch never waits for a network: the app's first read or write does, as
/// on any socket that still connects, and a refusal comes back to it as the end of the connection.
Result<void> connect_again(int fd, const ConnectedRecord& record) {
  THAW_ASSIGN(storage, current_address(fd, record.peer));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&storage), record.peer.size) == 0) return {};
  if (errno == EINPROGRESS) return {};
  return errno_error("cannot connect to " + address_text(record.peer));
}

/// `flags`: those that the app had set.
Result<UniqueFd> reconnect(const ConnectedRecord& record, uint32_t flags) {
  THAW_ASSIGN(fd, make_socket(record.socket));
  if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error("cannot set O_NONBLOCK");
  if (record.bind != 0) THAW_TRY(bind_socket(fd.get(), record.socket.local));
  if (auto connected = connect_again(fd.get(), record); !connected)
    return make_dead_socket(record.socket);
  THAW_TRY(set_status_flags(fd.get(), flags));
  THAW_TRY(apply_options(fd.get(), record.socket.options, OptionPhase::last));
  return fd;
}

Result<UniqueFd> open_closed(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<ConnectedRecord>(file.payload);
  return record.revival == Revival::left ? make_left_socket(record.socket)
                                         : make_dead_socket(record.socket);
}

Result<UniqueFd> open_connected(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<ConnectedRecord>(file.payload);
  switch (record.revival) {
    case Revival::dead:
      return make_dead_socket(record.socket);
    case Revival::reconnect:
      return reconnect(record, file.flags);
    case Revival::reset:
      return make_reset_socket(record.socket);
    case Revival::left:
      return make_left_socket(record.socket);
    case Revival::inside:
      break;
  }
  return make_socket(record.socket);
}

/// The receiver is one of the app's own sockets, which stands only now.
Result<void> finish(Opener& opener, const model::OpenFile& file, int fd) {
  const auto& record = *opener.image.record<ConnectedRecord>(file.payload);
  if (record.revival != Revival::inside) return {};
  THAW_TRY(connect_again(fd, record));
  return apply_options(fd, record.socket.options, OptionPhase::last);
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<ConnectedRecord>(file.payload);
  if (record == nullptr) return "a connected socket's record has a wrong size";
  if (record->revival > Revival::left || record->bind > 1)
    return "a connected socket's record is broken";
  if (const char* problem =
          validate_socket(record->socket, record->socket.domain == AF_UNIX ? AF_UNIX : 0))
    return problem;
  return validate_address(record->peer, record->socket.domain);
}

}  // namespace

Result<void> collect_connected(Collector& c, const Probe& probe, const SocketRecord& record,
                               const SocketAddress& peer, const std::string& what,
                               model::OpenFile& out) {
  const std::string name = address_text(peer);
  if (c.policies.find(kType, name) == Action::replay)
    return refuse(probe, what + ", and thaw has not seen what they say to each other",
                  "it sees what the app itself says on unix stream sockets that it connects in its "
                  "warm-up, where inputs.watch is not false; else " +
                      policy::suggestion(kType, name, known_actions(probe, record, peer)));
  if (stateful_protocol(name, probe.pid) != nullptr &&
      c.policies.find(kType, name) == Action::reconnect)
    return refuse(probe, what + ", outside the app", remedy(probe, record, peer));
  THAW_ASSIGN(action, chosen_action(c, probe, record, peer));
  out.action = static_cast<uint32_t>(action);
  switch (action) {
    case Action::close:
      fill(c, record, peer, Revival::left, what + ", comes back closed by the peer", out);
      return {};
    case Action::ignore:
      fill(c, record, peer, Revival::dead, what + ", left out by policy", out);
      return {};
    case Action::reset:
      fill(c, record, peer, Revival::reset, what + ", comes back reset by the peer", out);
      return {};
    case Action::reconnect:
      THAW_TRY(refuse_hidden_option(c, probe));
      if (has_unread(probe, record))
        return refuse(
            probe, what + ", with data not yet read that would not come on a new connection",
            "lengthen `settle`, or " +
                policy::suggestion(kType, name,
                                   record.type == SOCK_DGRAM ? policy::kCloseOrIgnore : kLost));
      fill(c, record, peer, Revival::reconnect, what + ", connects again", out,
           chosen_by_app(c, probe, record));
      return {};
    default:
      return refuse(probe, what + ", outside the app", remedy(probe, record, peer));
  }
}

void collect_connected_inside(Collector& c, const SocketRecord& record, const SocketAddress& peer,
                              model::OpenFile& out) {
  fill(c, record, peer, Revival::inside, "sends to its own socket " + address_text(peer), out);
}

void collect_ended(Collector& c, const Probe& probe, const SocketRecord& record,
                   model::OpenFile& out) {
  const bool failed = record.type != SOCK_DGRAM && (poll_now(probe.copy.get()) & POLLERR) != 0;
  fill(c, record, {}, failed ? Revival::reset : Revival::dead, "connection that has ended", out);
}

constinit const Kind kConnectedSocket = {
    .name = "connected socket",
    .policy = {.type = kType,
               .actions = kActions,
               .asked = PolicyUse::Asked::by_kind,
               .closed = {nullptr, open_closed, validate}},
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_connected,
    .finish = finish,
    .validate = validate,
    .seen_outside = true,
};

}  // namespace thaw::fd
