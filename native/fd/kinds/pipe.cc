// Pipes wholly inside the process tree. One Object per pipe; its content is written back before
// anyone reads.
//
// Both ends are made and kept in Opener::sides, and every open file description is a copy of one of
// them. When the launch closes the sides, an end that nobody had at the checkpoint is closed
// again: EOF, EPIPE and POLLHUP come back by themselves.
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/outside.h"
#include "fd/pipe_content.h"
#include "fd/reopen.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::pipe;
constexpr policy::Actions kActions = policy::kCloseOrIgnore;

struct PipeRecord {
  /// 1: opened through /proc by the app, apart from the end that pipe() gave.
  uint32_t own_description = 0;
  uint32_t reserved = 0;
};

/// Also a FIFO whose name is gone: nobody can open it any more, so it is nothing but a pipe.
bool match(const Probe& p) {
  return S_ISFIFO(p.status.st_mode) && (p.link.starts_with("pipe:[") || p.status.st_nlink == 0);
}

/// Those of one pipe, in their order; none where it is only referred to (O_PATH). One look at all
/// of them: an app with a thousand pipes asks a thousand times.
const std::vector<const Probe*>& probes_of(Collector& c, const Probe& p) {
  if (c.pipes.empty())
    for (const Probe& q : c.probes)
      if (S_ISFIFO(q.status.st_mode) && (q.flags & O_PATH) == 0)
        c.pipes[{q.status.st_dev, q.status.st_ino}].push_back(&q);
  return c.pipes[{p.status.st_dev, p.status.st_ino}];
}

short poll_state(int fd) {
  pollfd state = {fd, 0, 0};
  return ::poll(&state, 1, 0) < 0 ? short{0} : state.revents;
}

struct Ends {
  const Probe* reader = nullptr;
  const Probe* writer = nullptr;
};

Ends ends_of(Collector& c, const Probe& p) {
  Ends ends;
  for (const Probe* q : probes_of(c, p)) {
    if (ends.reader == nullptr && readable(probe_flags(*q))) ends.reader = q;
    if (ends.writer == nullptr && writable(probe_flags(*q))) ends.writer = q;
  }
  return ends;
}

/// An end that the tree does not have must be closed everywhere: a read end without writers shows
/// POLLHUP, a write end without readers POLLERR.
Result<void> refuse_outside(Collector& c, const Probe& p, const Ends& ends) {
  const bool missing_end = (ends.writer == nullptr && ends.reader != nullptr &&
                            (poll_state(ends.reader->copy.get()) & POLLHUP) == 0) ||
                           (ends.reader == nullptr && ends.writer != nullptr &&
                            (poll_state(ends.writer->copy.get()) & POLLERR) == 0);
  const std::string holder = outside_holder(c, p);
  if (!missing_end && holder.empty()) return {};
  return refuse(
      p, "is a pipe to " + (holder.empty() ? "a process that is not part of the app" : holder),
      "close it before the checkpoint, or " + policy::suggestion(kType, "", kActions));
}

Result<void> fill_object(Collector& c, const Probe& p, model::Object& object) {
  const Ends ends = ends_of(c, p);
  THAW_TRY(refuse_outside(c, p, ends));
  if (ends.reader == nullptr) {  // what waits there can never be read
    object.size = static_cast<uint64_t>(std::max(fcntl(p.copy.get(), F_GETPIPE_SZ), 4096));
    return {};
  }
  const auto kept = keep_pipe_content(c.image, ends.reader->copy.get(), object);
  if (kept) return {};
  return refuse(
      p, "cannot be kept: " + kept.error().what(),
      "let the app read it before the checkpoint, or " + policy::suggestion(kType, "", kActions));
}

/// The first description of an end is the one that pipe() made; O_RDWR ones are always made through
/// /proc.
bool opened_through_proc(Collector& c, const Probe& p) {
  const uint32_t access = access_mode(probe_flags(p));
  if (access == O_RDWR) return true;
  for (const Probe* q : probes_of(c, p)) {
    if (q == &p) return false;
    if (access_mode(probe_flags(*q)) == access) return true;
  }
  return false;
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  out.side = pipe_side(out.flags);
  Result<void> status;
  out.object = c.object(
      model::ObjectKind::pipe, p.status.st_ino,
      [&](model::Object& object) { return fill_object(c, p, object); }, status);
  if (!status) return status;
  out.payload = c.image.record(PipeRecord{opened_through_proc(c, p), 0});
  const model::Object& object = c.image.objects[out.object];
  out.note = c.image.blob(std::string(out.side == 0 ? "read end" : "write end") + ", " +
                          std::to_string(object.content.size) + " bytes waiting" +
                          ((object.flags & kPipePackets) != 0 ? " as packets" : ""));
  return {};
}

Result<void> make_pipe(Opener& o, const model::OpenFile& file) {
  Opener::Side& side = o.sides[file.object];
  if (side.fd[0] >= 0) return {};
  const model::Object& object = o.image.objects()[file.object];
  if (pipe2(side.fd, O_CLOEXEC | O_NONBLOCK) != 0) return errno_error("cannot make a pipe");
  const int capacity = static_cast<int>(object.size);
  if (fcntl(side.fd[1], F_GETPIPE_SZ) != capacity && fcntl(side.fd[1], F_SETPIPE_SZ, capacity) < 0)
    return errno_error("cannot make a pipe of " + std::to_string(capacity) + " bytes");
  return fill_pipe(o.image, object, side.fd[1]);
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  THAW_TRY(make_pipe(o, file));
  const int end = o.sides[file.object].fd[file.side];
  if (o.image.record<PipeRecord>(file.payload)->own_description != 0)
    return open_again(end, reopen_flags(file.flags));
  THAW_ASSIGN(fd, duplicate(end));
  THAW_TRY(set_status_flags(fd.get(), file.flags));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  if (view.record<PipeRecord>(file.payload) == nullptr || file.object >= view.objects().size() ||
      !valid_pipe_object(view, view.objects()[file.object]))
    return "a pipe's record in the image is broken";
  return nullptr;
}

}  // namespace

constinit const Kind kPipe = {
    .name = "pipe",
    .policy = {.type = kType, .actions = kActions, .closed = kClosedPipe},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
