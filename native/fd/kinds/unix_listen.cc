// AF_UNIX sockets without a peer: listening, bound to receive datagrams, or new. The name comes
// back as it was.
#include <poll.h>

#include "fd/connected.h"
#include "fd/kinds.h"
#include "fd/unix_name.h"

namespace thaw::fd {
namespace {

struct UnixRecord {
  SocketRecord socket;
  UnixName name;
  uint32_t listening = 0;
  uint32_t backlog = 0;  ///< second argument of listen(2)
  SocketAddress peer;    ///< one of the app's own sockets, to which it sends; size 0: none
};

bool matches(const Probe& probe) {
  return socket_type(probe).domain == AF_UNIX && peer_address(probe.copy.get()).size == 0;
}

bool is_listening(int fd) {
  return socket_option(fd, SO_ACCEPTCONN, 0) != 0;
}

/// Whether connections or datagrams wait in it.
bool has_waiting(int fd) {
  const short ready = poll_now(fd);
  return (ready & POLLIN) != 0 && (ready & POLLRDHUP) == 0;
}

std::string note(const UnixRecord& record) {
  const std::string name = address_text(record.socket.local);
  if (record.listening != 0) return "listens on " + name;
  if (record.peer.size != 0)
    return "bound to " + name + ", sends to its own socket " + address_text(record.peer);
  return is_bound(record.socket.local) ? "bound to " + name : "not connected";
}

Result<void> collect_named(Collector& c, const Probe& probe, const SocketAddress& peer,
                           model::OpenFile& out) {
  UnixRecord record;
  record.peer = peer;
  THAW_TRY(collect_socket(c, probe, record.socket));
  record.listening = is_listening(probe.copy.get()) ? 1 : 0;
  THAW_ASSIGN(state, unix_diag(probe.pid, probe.status.st_ino));
  // The kernel also shows sockets that were never bound or connected, but an unbound one comes
  // back without that, too.
  if (!state && (record.listening != 0 || is_bound(record.socket.local)))
    return refuse(probe, "is a unix socket that the kernel does not show",
                  "the kernel needs CONFIG_UNIX_DIAG");
  if (state) {
    record.backlog = record.listening != 0 ? state->backlog : 0;
    record.socket.shutdown = state->shutdown;
    THAW_ASSIGN(name, collect_unix_name(probe, record.socket.local, *state));
    record.name = name;
  }
  if (has_waiting(probe.copy.get())) {
    const std::string what = record.listening != 0 ? "connections that the app has not accepted"
                                                   : "datagrams that the app has not read";
    THAW_TRY(drop_waiting(c, probe, address_text(record.socket.local), what, out));
  }
  out.payload = c.image.record(record);
  out.note = c.image.blob(note(record));
  return {};
}

Result<void> collect(Collector& c, const Probe& probe, model::OpenFile& out) {
  return collect_named(c, probe, {}, out);
}

/// What follows bind(2).
Result<void> start(int fd, const UnixRecord& record) {
  if (record.listening != 0 && listen(fd, static_cast<int>(record.backlog)) != 0)
    return errno_error("cannot listen on " + address_text(record.socket.local));
  THAW_TRY(finish_unix_name(record.socket, record.name));
  THAW_TRY(restore_shutdown(fd, record.socket));
  return apply_options(fd, record.socket.options, OptionPhase::last);
}

Result<UniqueFd> open_unix(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<UnixRecord>(file.payload);
  THAW_TRY(check_folder_of_name(opener, record.socket));
  THAW_ASSIGN(fd, make_socket(opener.image, record.socket));
  if (is_bound(record.socket.local)) THAW_TRY(bind_unix(fd.get(), record.socket, record.name));
  if (auto started = start(fd.get(), record); !started) {
    remove_socket_file(fd.get());
    return started.error();
  }
  return fd;
}

/// The receiver is one of the app's own sockets, which stands only now.
Result<void> finish(Opener& opener, const model::OpenFile& file, int fd) {
  const SocketAddress& peer = opener.image.record<UnixRecord>(file.payload)->peer;
  if (peer.size == 0 || connect(fd, reinterpret_cast<const sockaddr*>(peer.bytes), peer.size) == 0)
    return {};
  return errno_error("cannot connect to " + address_text(peer));
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<UnixRecord>(file.payload);
  if (record == nullptr) return "a unix socket's record has a wrong size";
  if (record->listening > 1 || !valid_name(record->name)) return "a unix socket's record is broken";
  if (record->listening != 0 && !is_bound(record->socket.local))
    return "a listening unix socket has no name";
  if (const char* problem = validate_filter(view, record->socket)) return problem;
  if (const char* problem = validate_address(record->peer, AF_UNIX)) return problem;
  return validate_socket(record->socket, AF_UNIX);
}

}  // namespace

Result<void> collect_named_sender(Collector& c, const Probe& probe, const SocketAddress& peer,
                                  model::OpenFile& out) {
  out.kind = kind_id(kUnixListen);
  return collect_named(c, probe, peer, out);
}

constinit const Kind kUnixListen = {
    .name = "unix socket",
    .policy = kDropsWaiting,
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_unix,
    .finish = finish,
    .undo = remove_socket_file,
    .validate = validate,
    .seen_outside = true,
};

}  // namespace thaw::fd
