// TCP (and MPTCP) sockets that are not connected: listening, bound, or new.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "fd/kinds.h"
#include "fd/socket.h"

namespace thaw::fd {
namespace {

struct TcpRecord {
  SocketRecord socket;
  uint32_t listening = 0;
  uint32_t backlog = 0;  ///< second argument of listen(2)
};

bool matches(const Probe& probe) {
  const SocketType type = socket_type(probe);
  const bool inet = type.domain == AF_INET || type.domain == AF_INET6;
  if (!inet || type.type != SOCK_STREAM ||
      (type.protocol != IPPROTO_TCP && type.protocol != IPPROTO_MPTCP))
    return false;
  const int state = tcp_state(probe.copy.get());
  // A connection that has ended is in TCP_CLOSE as well, but has been shut down.
  return state == TCP_LISTEN ||
         (state == TCP_CLOSE && (poll_now(probe.copy.get()) & POLLRDHUP) == 0);
}

tcp_info read_info(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  getsockopt(fd, SOL_TCP, TCP_INFO, &info, &size);
  return info;
}

std::string note(const TcpRecord& record) {
  const std::string name = address_text(record.socket.local);
  if (record.listening != 0) return "listens on " + name;
  return is_bound(record.socket.local) ? "bound to " + name : "not connected";
}

Result<void> collect(Collector& c, const Probe& probe, model::OpenFile& out) {
  TcpRecord record;
  THAW_TRY(collect_socket(c, probe, record.socket));
  THAW_TRY(refuse_hidden_option(c, probe));
  const tcp_info info = read_info(probe.copy.get());
  record.listening = info.tcpi_state == TCP_LISTEN ? 1 : 0;
  if (record.listening != 0) {
    // For a listening socket these two fields hold the accept queue: its length and its limit.
    record.backlog = info.tcpi_sacked;
    const std::string what =
        std::to_string(info.tcpi_unacked) + " connections that the app has not accepted";
    if (info.tcpi_unacked != 0)
      THAW_TRY(drop_waiting(c, probe, address_text(record.socket.local), what, out));
  }
  out.payload = c.image.record(record);
  out.note = c.image.blob(note(record));
  return {};
}

Result<UniqueFd> open_tcp(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<TcpRecord>(file.payload);
  THAW_ASSIGN(fd, make_socket(opener.image, record.socket));
  if (is_bound(record.socket.local)) THAW_TRY(bind_socket(fd.get(), record.socket.local));
  THAW_TRY(apply_options(fd.get(), record.socket.options, OptionPhase::last));
  return fd;
}

/// A socket that is only bound is seen by nobody: who connects is refused, as without it.
std::optional<uint32_t> backlog(const image::View& view, const model::OpenFile& file) {
  const auto& record = *view.record<TcpRecord>(file.payload);
  if (record.listening == 0) return std::nullopt;
  return record.backlog;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<TcpRecord>(file.payload);
  if (record == nullptr) return "a TCP socket's record has a wrong size";
  if (record->listening > 1) return "a TCP socket's record is broken";
  if (record->socket.type != SOCK_STREAM ||
      (record->socket.protocol != IPPROTO_TCP && record->socket.protocol != IPPROTO_MPTCP))
    return "a TCP socket is of another protocol";
  if (const char* problem = validate_filter(view, record->socket)) return problem;
  return validate_socket(record->socket, 0);
}

}  // namespace

constinit const Kind kTcpListen = {
    .name = "TCP socket",
    .policy = kDropsWaiting,
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_tcp,
    .validate = validate,
    .backlog = backlog,
};

}  // namespace thaw::fd
