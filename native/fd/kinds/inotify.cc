// inotify: watched paths and the numbers the app knows them by. Paths are watched anew, as at a
// cold start; what happened to them while the app was in its image is not reported.
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "fd/file_events.h"
#include "fd/kinds.h"
#include "fd/path.h"
#include "fd/payload.h"
#include "fd/watched_path.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::inotify;
constexpr policy::Actions kActions = {Action::reopen, Action::close, Action::ignore};
constexpr unsigned long kSetNextWd = _IOW('I', 0, int32_t);  // INOTIFY_IOC_SETNEXTWD
constexpr uint32_t kMaskBits = IN_ALL_EVENTS | IN_UNMOUNT | IN_ONESHOT | IN_EXCL_UNLINK;
constexpr int32_t kMaxNumber = 1 << 20;

struct InotifyRecord {
  uint64_t reserved = 0;
};

struct Watch {
  int32_t number = 0;
  uint32_t mask = 0;
  model::Blob path;
};

bool match(const Probe& p) {
  return p.link == "anon_inode:inotify";
}

Error not_found(const Probe& p, const WatchedInode& inode) {
  return refuse(p,
                "watches inode " + std::to_string(inode.ino) +
                    ", for which no path was found where the app works",
                "name it: " + policy::suggestion(kType, "/path/that/is/watched", {Action::reopen}) +
                    "\n    or " + policy::suggestion(kType, p.link, policy::kCloseOrIgnore));
}

Result<std::vector<Watch>> collect_watches(Collector& c, const Probe& p) {
  std::vector<std::string_view> lines;
  std::vector<WatchedInode> inodes;
  each_line(p.fdinfo, "inotify wd:", [&](std::string_view line) {
    lines.push_back(line);
    inodes.push_back(watched_inode(line));
    return true;
  });
  const std::vector<std::string> paths = find_watched_paths(c, p, inodes);
  std::vector<Watch> watches;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    if (paths[i].empty()) return not_found(p, inodes[i]);
    Watch watch;
    watch.number = static_cast<int32_t>(number(line_field(line, "wd:"), 16));
    watch.mask = static_cast<uint32_t>(number(line_field(line, "mask:"), 16)) & kMaskBits;
    watch.path = c.image.blob(paths[i]);
    watches.push_back(watch);
  }
  std::sort(watches.begin(), watches.end(),
            [](const Watch& a, const Watch& b) { return a.number < b.number; });
  return watches;
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  if (action_of(out) != Action::reopen) THAW_TRY(refuse_unread_events(p, kType));
  THAW_ASSIGN(watches, collect_watches(c, p));
  out.payload = head_and_rows(c.image, InotifyRecord{}, watches);
  std::string note = "watches";
  for (const Watch& watch : watches) {
    note += ' ';
    note += c.image.bytes(watch.path);
  }
  out.note = c.image.blob(watches.empty() ? "watches nothing" : note);
  return {};
}

/// Without CONFIG_CHECKPOINT_RESTORE numbers can only be counted up: each is given out once, in
/// order.
Result<void> count_up(int fd, int32_t& next, int32_t wanted) {
  while (next < wanted) {
    const int given = inotify_add_watch(fd, "/", IN_MOVE_SELF);
    if (given < 0 || inotify_rm_watch(fd, given) != 0)
      return errno_error("cannot number inotify watches");
    next = given + 1;
  }
  return {};
}

/// Every removed watch left an IN_IGNORED event.
void drain(int fd) {
  alignas(inotify_event) char events[4096];
  for (int unread = 0; ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;)
    if (read(fd, events, sizeof(events)) <= 0) return;
}

Result<void> watch_again(int fd, const image::View& view, const Watch& watch, int32_t& next) {
  bool counted = false;
  if (watch.number != next && ioctl(fd, kSetNextWd, watch.number) != 0) {
    THAW_TRY(count_up(fd, next, watch.number));
    counted = true;
  }
  const std::string_view path = view.bytes(watch.path);
  // The path found leads to the inode itself.
  const int given = inotify_add_watch(fd, path.data(), watch.mask | IN_DONT_FOLLOW);
  if (given < 0) return errno_error("cannot watch " + std::string(path));
  if (given != watch.number) return Error{0, "inotify gave another number to " + std::string(path)};
  if (counted) drain(fd);
  next = given + 1;
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  THAW_ASSIGN(fd, open_without_watches(o, file));
  const HeadAndRows<InotifyRecord, Watch> payload(o.image, file.payload);
  int32_t next = 1;
  for (const Watch& watch : payload.rows) THAW_TRY(watch_again(fd.get(), o.image, watch, next));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const HeadAndRows<InotifyRecord, Watch> payload(view, file.payload);
  if (payload.head == nullptr) return "an inotify record of the image is broken";
  int32_t last = 0;
  for (const Watch& watch : payload.rows) {
    if (watch.number <= last || watch.number > kMaxNumber || (watch.mask & ~kMaskBits) != 0 ||
        !valid_path(view, watch.path))
      return "an inotify watch of the image is broken";
    last = watch.number;
  }
  return nullptr;
}

}  // namespace

/// Its own name is no path: a policy with a path names what is watched, and speaks only for the
/// search.
constinit const Kind kInotify = {
    .name = "inotify",
    .policy = {.type = kType,
               .actions = kActions,
               .closed = {"policy: watches nothing", open_without_watches}},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
