// Connected AF_UNIX sockets with both ends inside the process tree, and ends whose other end is
// closed. Both ends are made at once, with what waits in them; the second end to be opened finds
// itself made. Descriptors in flight are put into the queues when all of them are there.
#include "fd/unix_pair.h"

#include <fcntl.h>
#include <poll.h>

#include <cstring>

#include "fd/connected.h"
#include "fd/kinds.h"
#include "fd/peek_queue.h"
#include "fd/session.h"
#include "fd/unix_name.h"
#include "fd/unix_peer.h"
#include "fd/unix_queue.h"

namespace thaw::fd {
namespace {

struct PairRecord {
  SocketRecord socket;
  model::Index peer = model::kNone;  ///< OpenFile of the other end; kNone: it is closed
  uint32_t reset = 0;  ///< 1: the other end closed with data unread, which shows as ECONNRESET
  UnixName name;       ///< of a datagram socket that is bound as well
  QueueRecord queue;
};

bool matches(const Probe& probe) {
  return socket_type(probe).domain == AF_UNIX && peer_address(probe.copy.get()).size != 0;
}

std::string outside_text(const SocketAddress& peer, uint32_t inode) {
  return "is connected to " + address_text(peer) + " (socket:[" + std::to_string(inode) + "])";
}

std::string note(const PairRecord& record, const Probe* peer) {
  std::string text = peer == nullptr    ? "other end closed"
                     : peer->number < 0 ? "other end in flight"
                                        : "with descriptor " + std::to_string(peer->number);
  if (record.socket.type != SOCK_DGRAM && is_bound(record.socket.local))
    text += ", comes back without its name " + address_text(record.socket.local);
  return text;
}

/// `peer`: null where it is closed.
Result<void> share_object(Collector& c, const Probe& probe, const Probe* peer,
                          model::OpenFile& out) {
  const uint64_t own = probe.status.st_ino;
  const uint64_t first = peer == nullptr ? own : std::min<uint64_t>(own, peer->status.st_ino);
  Result<void> status;
  out.object = c.object(
      model::ObjectKind::socket_pair, first, [](model::Object&) { return Result<void>(); }, status);
  out.side = own == first ? 0 : 1;
  return status;
}

/// A launch's first process makes all sockets, and is who the other end sees then (SO_PEERCRED).
void warn_of_credentials(Collector& c, const Probe& probe) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (c.warnings == nullptr || probe.members.size() < 2 ||
      getsockopt(probe.copy.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.pid == probe.members.front() || peer.pid <= 0)
    return;
  c.warnings->push_back("process " + std::to_string(probe.pid) + ", " + describe(probe) +
                        ": the socket tells that process " + std::to_string(peer.pid) +
                        " is at its other end (SO_PEERCRED); in a launch it tells the first "
                        "process of the app");
}

void warn_of_senders(Collector& c, const Probe& probe, const UnixQueue& queue) {
  if (c.warnings == nullptr || !queue.foreign_sender) return;
  c.warnings->push_back("process " + std::to_string(probe.pid) + ", " + describe(probe) +
                        ": a message in its queue tells of its sender (SCM_CREDENTIALS), which it "
                        "does not in a launch; the app has not asked for it (SO_PASSCRED)");
}

template <typename Row>
model::Blob rows_blob(image::Builder& image, const std::vector<Row>& rows) {
  if (rows.empty()) return {};
  return image.blob({reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row)});
}

Result<void> collect_pair(Collector& c, const Probe& probe, const UnixSocket& own,
                          const Probe* peer, PairRecord& record, model::OpenFile& out) {
  record.socket.shutdown = own.shutdown;
  warn_of_credentials(c, probe);
  record.reset = peer == nullptr && (poll_now(probe.copy.get()) & POLLERR) != 0 ? 1 : 0;
  if (record.socket.type == SOCK_DGRAM) {
    THAW_ASSIGN(name, collect_unix_name(probe, record.socket.local, own));
    record.name = name;
  }
  if (peer != nullptr) {
    record.peer = peer->open_file;
    THAW_TRY(share_object(c, probe, peer, out));
  }
  out.note = c.image.blob(note(record, peer));
  out.payload = c.image.record(record);
  return {};
}

/// Where another kind makes the socket, which does not attach it.
Result<void> refuse_filter(const Probe& probe, const PairRecord& record) {
  if (record.socket.filter.size == 0) return {};
  return refuse(probe, "has a packet filter (SO_ATTACH_FILTER), and a peer that is no pair's",
                "attach the filter after the checkpoint");
}

Result<void> collect(Collector& c, const Probe& probe, model::OpenFile& out) {
  PairRecord record;
  THAW_TRY(collect_socket(c, probe, record.socket));
  THAW_ASSIGN(own, own_state(probe));
  THAW_ASSIGN(other, find_other(c.probes, probe, own));
  const SocketAddress address = peer_address(probe.copy.get());
  if (other == Other::receiver && is_bound(record.socket.local))
    return collect_named_sender(c, probe, address, out);
  if (other == Other::outside || other == Other::receiver) THAW_TRY(refuse_filter(probe, record));
  if (other == Other::outside) {
    THAW_ASSIGN(recorded, collect_session(c, probe, record.socket, own.peer, out));
    if (recorded) return {};
  }
  if (other == Other::outside)
    return collect_connected(c, probe, record.socket, address, outside_text(address, own.peer),
                             out);
  if (other == Other::receiver) {
    collect_connected_inside(c, record.socket, address, out);
    return {};
  }
  return collect_pair(c, probe, own,
                      other == Other::closed ? nullptr : find_socket(c.probes, own.peer), record,
                      out);
}

/// Options and name of one end, before anything is sent.
Result<void> prepare_end(int fd, const PairRecord& record) {
  THAW_TRY(apply_options(fd, record.socket.options, OptionPhase::before_bind));
  if (record.socket.type != SOCK_DGRAM || !is_bound(record.socket.local)) return {};
  THAW_TRY(bind_unix(fd, record.socket, record.name));
  return finish_unix_name(record.socket, record.name);
}

/// What can only be done when the queues are filled.
Result<void> finish_end(const image::View& view, int fd, const PairRecord& record) {
  THAW_TRY(attach_filter(view, fd, record.socket));
  THAW_TRY(restore_shutdown(fd, record.socket));
  return apply_options(fd, record.socket.options, OptionPhase::last);
}

/// What waits in both ends, and what can only be done after that.
Result<void> fill_both(const image::View& view, std::span<const UniqueFd> opened,
                       const model::OpenFile& own, int here, int there) {
  const auto& record = *view.record<PairRecord>(own.payload);
  const model::OpenFile& other = view.open_files()[record.peer];
  const auto& other_record = *view.record<PairRecord>(other.payload);
  const int type = record.socket.type;
  THAW_TRY(send_queue(view, opened, there, type, own.content, record.queue));
  THAW_TRY(send_queue(view, opened, here, type, other.content, other_record.queue));
  THAW_TRY(finish_end(view, here, record));
  return finish_end(view, there, other_record);
}

/// Whether its queues are filled only when all that is in flight is there.
bool is_filled_later(const image::View& view, const PairRecord& record) {
  if (carries_descriptors(record.queue)) return true;
  if (record.peer == model::kNone) return false;
  const model::OpenFile& other = view.open_files()[record.peer];
  return carries_descriptors(view.record<PairRecord>(other.payload)->queue);
}

Result<void> make_both(Opener& opener, const model::OpenFile& own, const PairRecord& record,
                       Opener::Side& side) {
  const model::OpenFile& other = opener.image.open_files()[record.peer];
  const auto& other_record = *opener.image.record<PairRecord>(other.payload);
  if (socketpair(AF_UNIX, record.socket.type | SOCK_CLOEXEC, 0, side.fd) != 0)
    return errno_error("cannot make a socket pair");
  const int here = side.fd[own.side];
  const int there = side.fd[other.side];
  THAW_TRY(prepare_end(here, record));
  THAW_TRY(prepare_end(there, other_record));
  if (is_filled_later(opener.image, record)) return {};
  return fill_both(opener.image, {}, own, here, there);
}

/// With the other end, which is closed behind it.
Result<void> fill_half(const image::View& view, std::span<const UniqueFd> opened,
                       const model::OpenFile& file, int own, UniqueFd other) {
  const auto& record = *view.record<PairRecord>(file.payload);
  THAW_TRY(send_queue(view, opened, other.get(), record.socket.type, file.content, record.queue));
  if (record.reset != 0) send(own, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  other.reset();
  return finish_end(view, own, record);
}

Result<UniqueFd> make_half(Opener& opener, const model::OpenFile& file, const PairRecord& record) {
  int ends[2];
  if (socketpair(AF_UNIX, record.socket.type | SOCK_CLOEXEC, 0, ends) != 0)
    return errno_error("cannot make a socket pair");
  UniqueFd own(ends[0]);
  UniqueFd other(ends[1]);
  auto made = prepare_end(own.get(), record);
  if (made && is_filled_later(opener.image, record))
    opener.sides[file.object].fd[1] = other.release();
  else if (made)
    made = fill_half(opener.image, {}, file, own.get(), std::move(other));
  if (made) return own;
  remove_socket_file(own.get());
  return made.error();
}

Result<UniqueFd> open_pair(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<PairRecord>(file.payload);
  if (record.socket.type == SOCK_DGRAM) THAW_TRY(check_folder_of_name(opener, record.socket));
  if (record.peer == model::kNone) return make_half(opener, file, record);
  Opener::Side& side = opener.sides[file.object];
  if (side.fd[file.side] < 0) THAW_TRY(make_both(opener, file, record, side));
  return UniqueFd(std::exchange(side.fd[file.side], -1));
}

const char* validate_object(const image::View& view, const model::OpenFile& file) {
  return file.object < view.objects().size() &&
                 view.objects()[file.object].kind == model::ObjectKind::socket_pair
             ? nullptr
             : "a socket pair's object is of another kind";
}

const char* validate_peer(const image::View& view, const model::OpenFile& file,
                          const PairRecord& record) {
  const auto files = view.open_files();
  const auto self = static_cast<model::Index>(&file - files.data());
  if (record.peer >= files.size() || file.object >= view.objects().size())
    return "a socket pair has no other end";
  const model::OpenFile& peer = files[record.peer];
  if (peer.kind != file.kind || peer.object != file.object || peer.side == file.side ||
      file.side > 1 || peer.side > 1)
    return "the ends of a socket pair do not belong together";
  const auto* other = view.record<PairRecord>(peer.payload);
  if (other == nullptr || other->peer != self || other->socket.type != record.socket.type)
    return "the ends of a socket pair do not know each other";
  return validate_object(view, file);
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<PairRecord>(file.payload);
  if (record == nullptr) return "a socket pair's record has a wrong size";
  if (const char* problem = validate_socket(record->socket, AF_UNIX)) return problem;
  if (const char* problem = validate_filter(view, record->socket)) return problem;
  if (record->reset > 1 || !valid_name(record->name)) return "a socket pair's record is broken";
  if (!valid_queue(view, record->socket.type, file.content, record->queue))
    return "a socket pair's queue is broken";
  if (record->peer != model::kNone) return validate_peer(view, file, *record);
  return carries_descriptors(record->queue) ? validate_object(view, file) : nullptr;
}

}  // namespace

Result<void> collect_queue(Collector& c, const Probe& probe, const UnixQueue& queue,
                           model::OpenFile& out) {
  if (find_kind(out.kind) != &kUnixPair) return {};
  PairRecord record;
  std::memcpy(&record, c.image.bytes(out.payload).data(), sizeof(record));
  const Probe* peer = nullptr;
  for (const Probe& other : c.probes)
    if (other.open_file == record.peer) peer = &other;
  warn_of_senders(c, probe, queue);
  record.queue.ancillaries = rows_blob(c.image, queue.ancillaries);
  record.queue.carried = rows_blob(c.image, queue.carried);
  if (peer != nullptr && record.socket.type == SOCK_STREAM)
    record.queue.portion = queue_portion(peer->copy.get(), queue.content.size());
  if (peer == nullptr && carries_descriptors(record.queue))
    THAW_TRY(share_object(c, probe, nullptr, out));
  const std::string queued = queue_text(record.socket.type, queue.content, queue.carried.size());
  if (!queued.empty())
    out.note = c.image.blob(std::string(c.image.bytes(out.note)) + ", " + queued);
  out.content = c.image.blob(queue.content);
  out.payload = c.image.record(record);
  return {};
}

bool is_filled_later(const image::View& view, const model::OpenFile& file) {
  return find_kind(file.kind) == &kUnixPair &&
         is_filled_later(view, *view.record<PairRecord>(file.payload));
}

Result<void> fill_queues(const image::View& view, std::span<const UniqueFd> opened,
                         std::span<Opener::Side> sides, model::Index index) {
  const model::OpenFile& file = view.open_files()[index];
  const auto& record = *view.record<PairRecord>(file.payload);
  const int own = opened[index].get();
  if (record.peer == model::kNone)
    return fill_half(view, opened, file, own,
                     UniqueFd(std::exchange(sides[file.object].fd[1], -1)));
  if (record.peer < index) return {};  // Which has filled both.
  return fill_both(view, opened, file, own, opened[record.peer].get());
}

constinit const Kind kUnixPair = {
    .name = "socket pair",
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_pair,
    .undo = remove_socket_file,
    .validate = validate,
    .seen_outside = true,
};

}  // namespace thaw::fd
