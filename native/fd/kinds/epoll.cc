// epoll: the descriptors it watches. The kernel knows a registration by open file description and
// number, and both may have gone separate ways since: the number closed or given to another file,
// the description alive under a duplicate.
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>

#include "fd/kinds.h"
#include "fd/open_file.h"
#include "fd/payload.h"
#include "fd/reopen.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr uint32_t kPrivateBits = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;
constexpr uint32_t kMaxNumber = 1u << 20;

/// struct epoll_params of Linux 6.9: busy polling of network queues.
struct BusyPoll {
  uint32_t usecs = 0;
  uint16_t budget = 0;
  uint8_t prefer = 0;
  uint8_t reserved = 0;
};
constexpr unsigned long kSetParams = _IOW(0x8a, 1, BusyPoll);  // EPIOCSPARAMS
constexpr unsigned long kGetParams = _IOR(0x8a, 2, BusyPoll);  // EPIOCGPARAMS

struct EpollRecord {
  BusyPoll busy_poll;
};

struct Watch {
  uint64_t data = 0;
  uint32_t events = 0;
  uint32_t number = 0;                 ///< the descriptor it was registered with
  model::Index target = model::kNone;  ///< the watched OpenFile; kNone: the caller's descriptor
                                       ///< that `number` inherits
  uint32_t reserved = 0;
};

/// A one-shot that has fired has none of its events left, not even the two that are always on.
bool disarmed(const Watch& w) {
  return (w.events & EPOLLONESHOT) != 0 && (w.events & ~kPrivateBits) == 0;
}

bool match(const Probe& p) {
  return p.link == "anon_inode:[eventpoll]";
}

// ---- checkpoint

/// A registration as fdinfo shows it. `nth`: how many of the same number stand before it.
struct Line {
  Watch watch;
  uint32_t nth = 0;
  uint64_t ino = 0, dev = 0;
};

std::vector<Line> read_lines(const Probe& p) {
  std::vector<Line> lines;
  each_line(p.fdinfo, "tfd:", [&](std::string_view text) {
    Line line;
    line.watch.number = static_cast<uint32_t>(number(trim(text.substr(4))));
    line.watch.events = static_cast<uint32_t>(number(line_field(text, "events:"), 16));
    line.watch.data = number(line_field(text, "data:"), 16);
    line.ino = number(line_field(text, "ino:"), 16);
    const uint64_t dev = number(line_field(text, "sdev:"), 16);
    line.dev = makedev(dev >> 20, dev & 0xfffff);
    for (const Line& before : lines) line.nth += before.watch.number == line.watch.number;
    lines.push_back(line);
    return true;
  });
  return lines;
}

/// Whether descriptor `number` of `pid` is what the registration watches: 0 it is, 1 or 2 it is
/// not, -1 unknown.
long compare(const Probe& epoll, const Line& line, pid_t pid, int number) {
  kcmp_epoll_slot slot = {static_cast<uint32_t>(epoll.copy.get()), line.watch.number, line.nth};
  return syscall(SYS_kcmp, pid, getpid(), KCMP_EPOLL_TFD, number, &slot);
}

/// False on kernels without CONFIG_KCMP.
bool can_compare(const Probe& epoll, const Line& line) {
  return compare(epoll, line, getpid(), epoll.copy.get()) >= 0 ||
         (errno != ENOSYS && errno != EOPNOTSUPP);
}

bool has_number(const Probe& q, const Probe& epoll, const Line& line) {
  return q.pid == epoll.pid && static_cast<uint32_t>(q.number) == line.watch.number;
}

const Probe* find_target(const Collector& c, const Probe& epoll, const Line& line) {
  // Most registrations still have their number, so the probe of that number is tried first.
  for (const bool first : {true, false})
    for (const Probe& q : c.probes)
      if (has_number(q, epoll, line) == first && q.status.st_ino == line.ino &&
          compare(epoll, line, getpid(), q.copy.get()) == 0)
        return &q;
  return nullptr;
}

/// Without kcmp: the number in the same process if what it refers to now has the same inode, else
/// the only file of that inode. All anonymous files have the same one, so it says nothing there.
const Probe* guess_target(const Collector& c, const Probe& epoll, const Line& line) {
  const Probe* only = nullptr;
  bool several = false;
  for (const Probe& q : c.probes) {
    if (q.status.st_ino != line.ino || q.status.st_dev != line.dev) continue;
    if (has_number(q, epoll, line)) return &q;
    several = several || only != nullptr || q.link.starts_with("anon_inode:");
    only = &q;
  }
  return several ? nullptr : only;
}

/// Finds the watched file, or leaves kNone for the caller's descriptors 0, 1 and 2, which are no
/// probes: there the number itself must still refer to what is watched.
Result<void> resolve(const Collector& c, const Probe& p, Line& line) {
  const bool exact = can_compare(p, line);
  const Probe* target = exact ? find_target(c, p, line) : guess_target(c, p, line);
  if (target != nullptr) {
    line.watch.target = target->open_file;
    return {};
  }
  const std::string number = std::to_string(line.watch.number);
  if (!exact) {
    if (line.watch.number <= 2) return {};
    return refuse(
        p, "watches an open file, registered as descriptor " + number + ", that cannot be told",
        "use a kernel with CONFIG_KCMP, or remove it with epoll_ctl(EPOLL_CTL_DEL)");
  }
  if (compare(p, line, p.pid, static_cast<int>(line.watch.number)) == 0) return {};
  return refuse(p,
                "watches an open file, registered as descriptor " + number +
                    ", that the app has closed while another process keeps it open",
                "remove it with epoll_ctl(EPOLL_CTL_DEL) before closing it");
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  EpollRecord record;
  if (ioctl(p.copy.get(), kGetParams, &record.busy_poll) != 0) record.busy_poll = {};
  std::vector<Watch> watches;
  for (Line& line : read_lines(p)) {
    THAW_TRY(resolve(c, p, line));
    watches.push_back(line.watch);
  }
  out.payload = head_and_rows(c.image, record, watches);
  out.note = c.image.blob("watches " + std::to_string(watches.size()) + " descriptors");
  return {};
}

/// What it watches and is no copy of the caller's.
std::vector<model::Index> needed(const image::Builder& image, const model::OpenFile& file) {
  std::vector<model::Index> targets;
  const std::string_view bytes = image.bytes(file.payload).substr(sizeof(EpollRecord));
  for (size_t at = 0; at + sizeof(Watch) <= bytes.size(); at += sizeof(Watch)) {
    Watch watch;
    memcpy(&watch, bytes.data() + at, sizeof(watch));
    if (watch.target != model::kNone && !is_left_out(image.open_files[watch.target]))
      targets.push_back(watch.target);
  }
  return targets;
}

// ---- launch

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const HeadAndRows<EpollRecord, Watch> payload(o.image, file.payload);
  UniqueFd fd(epoll_create1(EPOLL_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot make an epoll");
  BusyPoll params = payload.head->busy_poll;
  if ((params.usecs != 0 || params.budget != 0 || params.prefer != 0) &&
      ioctl(fd.get(), kSetParams, &params) != 0)
    return errno_error("cannot set the busy polling of an epoll");
  return fd;
}

const model::Fd* find_number(const Opener& o, uint32_t number) {
  const auto fds = image::View::part(o.image.fds(), o.process.fds);
  const auto at =
      std::lower_bound(fds.begin(), fds.end(), number,
                       [](const model::Fd& fd, uint32_t wanted) { return fd.number < wanted; });
  return at != fds.end() && at->number == number ? &*at : nullptr;
}

Error cannot_watch(const Watch& w) {
  return errno_error("cannot watch descriptor " + std::to_string(w.number) + " with epoll again");
}

/// Registers and lets it fire at once, so that it is disarmed: possible if the file is ready for
/// anything. If not, only an error or a hang-up, which cannot be masked, could still be reported.
Result<void> add_disarmed(int epoll, int fd, const Watch& w) {
  constexpr short kAny = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDHUP;
  pollfd state = {fd, kAny, 0};
  const bool ready = ::poll(&state, 1, 0) > 0;
  epoll_event event = {};
  event.events =
      w.events | (ready ? static_cast<uint32_t>(state.revents) & static_cast<uint32_t>(kAny) : 0u);
  event.data.u64 = w.data;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return cannot_watch(w);
  // Nothing else that is registered by now can be ready: the one-shots before this one have fired.
  if (ready) epoll_wait(epoll, &event, 1, 0);
  return {};
}

Result<void> add(int epoll, int fd, const Watch& w) {
  if (disarmed(w)) return add_disarmed(epoll, fd, w);
  epoll_event event = {};
  event.events = w.events;
  event.data.u64 = w.data;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) return cannot_watch(w);
  return {};
}

/// Registers a file, as the app had it, under a number that in the app is free or another file's.
/// Here the number may be in use, by that other file or by the launch itself.
Result<void> add_under_number(int epoll, int target, const Watch& w) {
  const int number = static_cast<int>(w.number);
  const int flags = fcntl(number, F_GETFD);
  UniqueFd saved;
  if (flags >= 0) {
    THAW_ASSIGN(copy, duplicate(number));
    saved = std::move(copy);
  }
  if (dup3(target, number, O_CLOEXEC) < 0) return cannot_watch(w);
  auto added = add(epoll, number, w);
  if (!saved.valid()) {
    ::close(number);
  } else if (dup3(saved.get(), number, (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) < 0) {
    return errno_error("cannot put descriptor " + std::to_string(number) + " back");
  }
  return added;
}

Result<void> restore(Opener& o, int epoll, const Watch& w) {
  const model::Fd* at_number = find_number(o, w.number);
  if (w.target == model::kNone || (at_number != nullptr && at_number->open_file == w.target))
    return add(epoll, static_cast<int>(w.number), w);
  const int target = o.placed[w.target];
  if (target < 0) return Error{EBADF, "an epoll watches a descriptor that was not made again"};
  return add_under_number(epoll, target, w);
}

/// What a policy left out cannot be watched; what it replaced may not be watchable.
bool left_out(const Opener& o, const Watch& w, const Result<void>* failed) {
  if (w.target == model::kNone) return false;
  const model::OpenFile& target = o.image.open_files()[w.target];
  if (is_left_out(target)) return true;
  return failed != nullptr && is_closed(target) && failed->error().err == EPERM;
}

Result<void> finish(Opener& o, const model::OpenFile& file, int epoll) {
  const HeadAndRows<EpollRecord, Watch> payload(o.image, file.payload);
  // Disarmed ones first: to disarm one, it must be the only one that can fire.
  for (const bool first : {true, false})
    for (const Watch& w : payload.rows) {
      if (disarmed(w) != first || left_out(o, w, nullptr)) continue;
      auto restored = restore(o, epoll, w);
      if (!restored && !left_out(o, w, &restored)) return restored;
    }
  return {};
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const HeadAndRows<EpollRecord, Watch> payload(view, file.payload);
  if (payload.head == nullptr) return "an epoll's record in the image is broken";
  for (const Watch& w : payload.rows)
    if (w.number >= kMaxNumber ||
        (w.target != model::kNone && w.target >= view.open_files().size()))
      return "an epoll of the image watches what does not exist";
  return nullptr;
}

}  // namespace

constinit const Kind kEpoll = {
    .name = "epoll",
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .finish = finish,
    .needed = THAW_CHECKPOINT(needed),
    .validate = validate,
};

}  // namespace thaw::fd
