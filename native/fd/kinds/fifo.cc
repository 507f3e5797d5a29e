// Named pipes. They are opened by name, as at a cold start; what waited in them is put back. A FIFO
// to a process outside the tree needs a policy: that process talked to the app that was
// checkpointed, not to this launch.
//
// Opener::sides holds a reader ([0], so that opening for writing does not fail) and, for content, a
// writer ([1]).
#include <poll.h>

#include <algorithm>

#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/locks.h"
#include "fd/outside.h"
#include "fd/path.h"
#include "fd/pipe_content.h"
#include "fd/reopen.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::fifo;
constexpr policy::Actions kActions = {Action::reopen, Action::close, Action::ignore};

struct FifoRecord {
  PathRecord path;
  uint32_t hung_up = 0;  ///< 1: a writer was there and is gone: the reader shows POLLHUP
  uint32_t reserved = 0;
};

bool match(const Probe& p) {
  return S_ISFIFO(p.status.st_mode) && p.link.starts_with('/') && p.status.st_nlink != 0;
}

const Probe* reader_of(const Collector& c, const Probe& p) {
  for (const Probe& q : c.probes)
    if (S_ISFIFO(q.status.st_mode) && q.status.st_ino == p.status.st_ino &&
        q.status.st_dev == p.status.st_dev && (q.flags & O_PATH) == 0 && readable(probe_flags(q)))
      return &q;
  return nullptr;
}

bool hung_up(const Probe& p) {
  pollfd state = {p.copy.get(), 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0;
}

Result<void> fill_object(Collector& c, const Probe& p, Action action, model::Object& object) {
  object.size = static_cast<uint64_t>(std::max(fcntl(p.copy.get(), F_GETPIPE_SZ), 4096));
  const Probe* reader = reader_of(c, p);
  if (action == Action::reopen || reader == nullptr) return {};
  const auto kept = keep_pipe_content(c.image, reader->copy.get(), object);
  if (kept) return {};
  return refuse(p, "cannot be kept: " + kept.error().what(),
                "let the app read it before the checkpoint, or " +
                    policy::suggestion(kType, p.link, kActions));
}

Result<void> refuse_outside(Collector& c, const Probe& p) {
  const std::string holder = outside_holder(c, p);
  if (holder.empty()) return {};
  return refuse(p, "is also open in " + holder + ", which is not part of the app",
                policy::suggestion(kType, p.link, kActions));
}

std::string note(const model::Object& object, Action action) {
  if (action == Action::reopen) return "policy: opened by name";
  return "opened by name, " + std::to_string(object.content.size) + " bytes waiting";
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const Action action = action_of(out);
  out.side = pipe_side(out.flags);
  THAW_TRY(refuse_locks(p, kType));
  if (!name_leads_to_it(p))
    return refuse(p, "is a FIFO whose name does not lead to it any more",
                  "close it before the checkpoint, or " +
                      policy::suggestion(kType, p.link, policy::kCloseOrIgnore));
  if (action == Action::error) THAW_TRY(refuse_outside(c, p));
  Result<void> status;
  out.object = c.object(
      model::ObjectKind::pipe, object_id(p.status.st_dev, p.status.st_ino),
      [&](model::Object& object) { return fill_object(c, p, action, object); }, status);
  if (!status) return status;
  FifoRecord record;
  record.path = path_record(c, p, p.link);
  record.hung_up = action == Action::error && access_mode(out.flags) == O_RDONLY && hung_up(p);
  out.payload = c.image.record(record);
  out.note = c.image.blob(note(c.image.objects[out.object], action));
  return {};
}

Result<UniqueFd> open_fifo(std::string_view path, int flags) {
  THAW_ASSIGN(fd, open_path(path, flags | O_NONBLOCK));
  struct stat now = {};
  if (fstat(fd.get(), &now) != 0 || !S_ISFIFO(now.st_mode))
    return Error{0, std::string(path) + " is not a FIFO any more"};
  return fd;
}

/// Makes the reader that lets writers be opened, and puts back what waited. Only the first
/// description does it.
Result<void> prepare(Opener& o, const model::OpenFile& file, std::string_view path) {
  Opener::Side& side = o.sides[file.object];
  if (side.fd[0] >= 0) return {};
  THAW_ASSIGN(reader, open_fifo(path, O_RDONLY));
  side.fd[0] = reader.release();
  const model::Object& object = o.image.objects()[file.object];
  if (object.content.size == 0) return {};
  THAW_ASSIGN(writer, open_fifo(path, O_WRONLY));
  side.fd[1] = writer.release();
  const int capacity = static_cast<int>(object.size);
  if (fcntl(side.fd[1], F_GETPIPE_SZ) < capacity && fcntl(side.fd[1], F_SETPIPE_SZ, capacity) < 0)
    return errno_error("cannot enlarge the FIFO " + std::string(path));
  return fill_pipe(o.image, object, side.fd[1]);
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<FifoRecord>(file.payload);
  const std::string_view path = o.image.bytes(record.path.path);
  THAW_TRY(prepare(o, file, path));
  THAW_ASSIGN(fd, open_fifo(path, reopen_flags(file.flags)));
  if (record.hung_up != 0)
    THAW_TRY(open_fifo(path, O_WRONLY));  // closed at once: the reader has seen it go
  THAW_TRY(set_status_flags(fd.get(), file.flags));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<FifoRecord>(file.payload);
  if (record == nullptr || !valid_path(view, record->path.path) ||
      file.object >= view.objects().size() || !valid_pipe_object(view, view.objects()[file.object]))
    return "a FIFO's record in the image is broken";
  return nullptr;
}

}  // namespace

constinit const Kind kFifo = {
    .name = "fifo",
    .policy = {.type = kType, .actions = kActions, .closed = kClosedPipe},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
    .seen_outside = true,
};

}  // namespace thaw::fd
