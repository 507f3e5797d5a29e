// fanotify: groups that only tell, with their marks. What happened while the app was in its image is
// not reported. A group that decides over the accesses of others is refused: nobody would answer them
// meanwhile. What fdinfo tells of the marks is proven by making them once more at the checkpoint.
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "fd/actions.h"
#include "fd/file_events.h"
#include "fd/kinds.h"
#include "fd/path.h"
#include "fd/payload.h"
#include "fd/watched_path.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr policy::Actions kActions = policy::kCloseOrIgnore;
constexpr uint32_t kDecides = FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT;
// fanotify_mark(2); older headers lack the second.
constexpr uint32_t kIgnoredSurvivesModify = FAN_MARK_IGNORED_SURV_MODIFY, kIgnore = 0x400;

struct GroupRecord {
  uint32_t flags = 0;        ///< of fanotify_init(2), without those of the descriptor
  uint32_t event_flags = 0;  ///< of the descriptors that events bring
};

enum class MarkOf : uint32_t { inode, mount, file_system };

struct Mark {
  MarkOf of = MarkOf::inode;
  uint32_t flags = 0;  ///< FAN_MARK_EVICTABLE and those of the ignored events, as fdinfo has them
  uint64_t mask = 0;
  uint64_t ignored = 0;
  model::Blob path;
};

bool match(const Probe& p) {
  return p.link == "anon_inode:[fanotify]";
}

Error refuse_group(const Probe& p, const std::string& what, const std::string& remedy) {
  return refuse(
      p, what,
      remedy + ", or " + policy::suggestion(policy_type(p.status.st_mode), p.link, kActions));
}

Result<UniqueFd> make_group(const GroupRecord& group, bool nonblocking) {
  const unsigned own = FAN_CLOEXEC | (nonblocking ? FAN_NONBLOCK : 0);
  UniqueFd fd(fanotify_init(group.flags | own, group.event_flags));
  if (!fd.valid()) return errno_error("cannot make a fanotify group");
  return fd;
}

/// Its own path leads to it; of a file system that is mounted, what is there now must be one.
Result<void> expect_mount(const char* path) {
  struct statx now = {};
  if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &now) == 0 &&
      (now.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
    return {};
  return Error{0, std::string("no file system is mounted at ") + path +
                      ", as was when the app marked it (fanotify)"};
}

Result<void> mark_again(int group, const Mark& mark, const char* path) {
  if (mark.of != MarkOf::inode) THAW_TRY(expect_mount(path));
  const unsigned of = mark.of == MarkOf::mount         ? FAN_MARK_MOUNT
                      : mark.of == MarkOf::file_system ? FAN_MARK_FILESYSTEM
                                                       : 0;
  const unsigned ignoring = kIgnore | kIgnoredSurvivesModify;
  const unsigned add = FAN_MARK_ADD | FAN_MARK_DONT_FOLLOW | of | (mark.flags & ~ignoring);
  const unsigned how = (mark.flags & kIgnore) != 0 ? kIgnore : FAN_MARK_IGNORED_MASK;
  const unsigned ignore = add | how | (mark.flags & kIgnoredSurvivesModify);
  if ((mark.mask != 0 && fanotify_mark(group, add, mark.mask, AT_FDCWD, path) != 0) ||
      (mark.ignored != 0 && fanotify_mark(group, ignore, mark.ignored, AT_FDCWD, path) != 0))
    return errno_error(std::string("cannot mark ") + path + " (fanotify)");
  return {};
}

/// What fdinfo tells of the group and its marks, in an order of our own.
std::vector<std::string_view> told(std::string_view fdinfo) {
  std::vector<std::string_view> lines;
  each_line(fdinfo, "fanotify ", [&](std::string_view line) {
    lines.push_back(line);
    return true;
  });
  std::sort(lines.begin(), lines.end());
  return lines;
}

GroupRecord group_of(const Probe& p) {
  GroupRecord group;
  each_line(p.fdinfo, "fanotify flags:", [&group](std::string_view line) {
    group.flags = static_cast<uint32_t>(number(line_field(line, "flags:"), 16));
    group.event_flags = static_cast<uint32_t>(number(line_field(line, "event-flags:"), 16));
    return false;
  });
  return group;
}

Result<void> refuse_unfit(const Probe& p, const GroupRecord& group) {
  if ((group.flags & kDecides) != 0)
    return refuse_group(p,
                        "decides over the accesses of others (FAN_CLASS_CONTENT), who would wait",
                        "make it after the checkpoint");
  return refuse_unread_events(p, policy_type(p.status.st_mode));
}

/// One line of fdinfo, and a path that leads to what is marked; empty if none was found.
struct Found {
  Mark mark;
  std::string path;
};

Found find_mount(const Probe& p, std::string_view line) {
  Found found;
  const std::string_view id = line_field(line, "mnt_id:"), device = line_field(line, "sdev:");
  if (!id.empty()) {
    found.mark.of = MarkOf::mount;
    found.path = mount_point(
        p.pid, [own = number(id, 16)](uint64_t mount, uint64_t) { return mount == own; });
  } else if (!device.empty()) {
    found.mark.of = MarkOf::file_system;
    found.path =
        mount_point(p.pid, [own = device_of(device)](uint64_t, uint64_t of) { return of == own; });
  }
  return found;
}

std::vector<Found> find_marks(Collector& c, const Probe& p) {
  std::vector<std::string_view> lines;
  std::vector<Found> marks;
  std::vector<WatchedInode> inodes;
  for (const std::string_view line : told(p.fdinfo))
    if (!line.starts_with("fanotify flags:")) lines.push_back(line);
  for (const std::string_view line : lines)
    if (!line_field(line, "ino:").empty()) inodes.push_back(watched_inode(line));
  const std::vector<std::string> paths = find_watched_paths(c, p, inodes);
  size_t inode = 0;
  for (const std::string_view line : lines) {
    Found found =
        line_field(line, "ino:").empty() ? find_mount(p, line) : Found{{}, paths[inode++]};
    found.mark.flags = static_cast<uint32_t>(number(line_field(line, "mflags:"), 16));
    found.mark.mask = number(line_field(line, "mask:"), 16);
    found.mark.ignored = number(line_field(line, "ignored_mask:"), 16);
    marks.push_back(std::move(found));
  }
  return marks;
}

/// Whether a launch's group is the same to the kernel.
Result<bool> comes_back(const Probe& p, const GroupRecord& group, const std::vector<Found>& marks) {
  THAW_ASSIGN(copy, make_group(group, true));
  for (const Found& found : marks) THAW_TRY(mark_again(copy.get(), found.mark, found.path.c_str()));
  THAW_ASSIGN(fdinfo, read_file("/proc/self/fdinfo/" + std::to_string(copy.get())));
  return told(fdinfo) == told(p.fdinfo);
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  constexpr const char* kLater = "mark after the checkpoint, or use inotify";
  const GroupRecord group = group_of(p);
  THAW_TRY(refuse_unfit(p, group));
  const std::vector<Found> found = find_marks(c, p);
  for (const Found& each : found)
    if (each.path.empty())
      return refuse_group(p, "marks something to which no path was found (fanotify)", kLater);
  const auto same = comes_back(p, group, found);
  if (!same) return refuse_group(p, "is a fanotify group: " + same.error().message, kLater);
  if (!same.value())
    return refuse_group(p, "is a fanotify group, whose marks the kernel does not give away fully",
                        kLater);
  std::vector<Mark> marks;
  std::string note = found.empty() ? "marks nothing" : "marks";
  for (const Found& each : found) {
    marks.push_back(each.mark);
    marks.back().path = c.image.blob(each.path);
    note += ' ' + each.path;
  }
  out.payload = head_and_rows(c.image, group, marks);
  out.note = c.image.blob(note);
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const HeadAndRows<GroupRecord, Mark> payload(o.image, file.payload);
  return make_group(*payload.head, (file.flags & O_NONBLOCK) != 0);
}

/// Late: the launch's own look at files is nothing that the app should hear of.
Result<void> finish(Opener& o, const model::OpenFile& file, int fd) {
  const HeadAndRows<GroupRecord, Mark> payload(o.image, file.payload);
  for (const Mark& mark : payload.rows)
    THAW_TRY(mark_again(fd, mark, o.image.bytes(mark.path).data()));
  return {};
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const HeadAndRows<GroupRecord, Mark> payload(view, file.payload);
  if (payload.head == nullptr || (payload.head->flags & kDecides) != 0)
    return "a fanotify record of the image is broken";
  for (const Mark& mark : payload.rows)
    if (mark.of > MarkOf::file_system || !valid_path(view, mark.path))
      return "a fanotify mark of the image is broken";
  return nullptr;
}

}  // namespace

constinit const Kind kFanotify = {
    .name = "fanotify",
    .policy = {.actions = kActions, .closed = {"policy: hears nothing", open_without_watches}},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .finish = finish,
    .validate = validate,
};

}  // namespace thaw::fd
