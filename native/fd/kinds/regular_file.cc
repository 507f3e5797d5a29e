// Regular files that still have a name. Read-only ones come back when the file is the very same
// one; those open for writing need a policy, because every launch of the image would write to them.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/locks.h"
#include "fd/path.h"
#include "fd/reopen.h"
#include "image/known_file.h"
#include "policy/switches.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::file;
constexpr policy::Actions kActions = {Action::append, Action::reopen, Action::close,
                                      Action::ignore, Action::pid,    Action::relock};
constexpr policy::Actions kLogActions = {Action::append, Action::reopen, Action::close,
                                         Action::ignore};
constexpr policy::Actions kDataActions = {Action::reopen, Action::close, Action::ignore};
constexpr policy::Actions kForLocks = {Action::relock, Action::close, Action::ignore};

/// How a launch finds the file, and what it puts into it.
struct FileRecord {
  PathRecord at;
  uint32_t pid = 0;  ///< 1: under `relock`, the file holds the pid; 2: and a newline behind it
  uint32_t reserved = 0;
};

bool match(const Probe& p) {
  if (!S_ISREG(p.status.st_mode) || p.link.empty() || p.link[0] != '/' || p.status.st_nlink == 0)
    return false;
  return !p.link.starts_with("/dmabuf:") && !p.link.starts_with("/anon_hugepage") &&
         !is_message_queue(p);
}

/// True on file systems whose files are made up by the kernel when they are read: they have no
/// identity to check.
bool made_by_kernel(const Probe& p) {
  struct statfs fs = {};
  if (fstatfs(p.copy.get(), &fs) != 0) return false;
  switch (static_cast<uint32_t>(fs.f_type)) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
      return true;
    default:
      return false;
  }
}

/// Whether the file holds the app's own pid and nothing else: FileRecord::pid.
uint32_t pid_in(const Probe& p) {
  char text[24] = {};
  const ssize_t size = pread(p.copy.get(), text, sizeof(text) - 1, 0);
  std::string content(text, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  // Most are open for writing only.
  if (size < 0 && p.status.st_size < ssize_t{sizeof(text)})
    if (auto read = read_file(p.link)) content = read.take();
  if (trim(content) != std::to_string(p.pid)) return 0;
  return content.ends_with('\n') ? 2 : 1;
}

Result<void> collect_by_name(Collector& c, const Probe& p, model::OpenFile& out) {
  const std::string name = made_by_kernel(p) ? name_at_launch(p) : p.link;
  if (name.empty()) return refuse_number(p, kType);
  if (!name_leads_to_it(p))
    return refuse(p, "has a name that does not lead to it (renamed, replaced or hidden by a mount)",
                  "close it before the checkpoint, or " +
                      policy::suggestion(kType, p.link, policy::kCloseOrIgnore));
  const Action action = action_of(out);
  if (action == Action::error && !made_by_kernel(p)) {
    THAW_ASSIGN(file, c.image.file(p.copy.get(), p.link, model::kFileKeptOpen));
    out.file = file;
  }
  FileRecord record;
  record.at = path_record(c, p, name);
  if (action == Action::relock && writable(out.flags)) record.pid = pid_in(p);
  out.payload = c.image.record(record);
  return {};
}

/// What fits the state: only what is written to its end alone can go on there in many instances.
std::string remedy_for_writing(const Probe& p) {
  const std::string_view known = policy::switch_against(p.link);
  if (!known.empty()) return std::string(known);
  if (pid_in(p) != 0)
    return "it holds the app's pid, and each launch can write its own: " +
           policy::suggestion(kType, p.link, {Action::pid, Action::close, Action::ignore});
  const bool appends = (p.flags & O_APPEND) != 0;
  if ((p.flags & O_ACCMODE) == O_WRONLY)
    return (appends ? "" : "if what is written may go to its end, as in a log, ") +
           policy::suggestion(kType, p.link, kLogActions);
  return "what the app has read of it would be that of the build in every instance: close it "
         "before the checkpoint, or, if the app reads it anew whenever it uses it and instances "
         "may write to it side by side, " +
         policy::suggestion(kType, p.link, appends ? kLogActions : kDataActions);
}

const char* note(Action action, bool identity) {
  switch (action) {
    case Action::append:
      return "policy: opened by name, writes go to the end";
    case Action::pid:
      return "policy: made anew, with the new pid in it";
    case Action::reopen:
      return "policy: opened by name, at its position";
    case Action::relock:
      return "policy: opened by name, its locks taken";
    default:
      return identity ? "read-only: the same file, at its position"
                      : "read-only: made by the kernel";
  }
}

/// A file that the app itself writes, as one that follows its own log, is another one at each launch.
bool is_written_elsewhere(const Collector& c, const Probe& p) {
  return std::any_of(c.probes.begin(), c.probes.end(), [&p](const Probe& other) {
    return other.status.st_ino == p.status.st_ino && other.status.st_dev == p.status.st_dev &&
           (other.flags & O_PATH) == 0 && writable(probe_flags(other));
  });
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const Action action = action_of(out);
  if (action != Action::relock) THAW_TRY(refuse_locks(p, kType, kForLocks));
  if (action == Action::error && !writable(out.flags) && is_written_elsewhere(c, p))
    return refuse(p, "is also open for writing: no launch would find it as it is",
                  policy::suggestion(kType, p.link, kActions));
  if (action == Action::error && writable(out.flags))
    return refuse(p, "is open for writing: every launch would write to it", remedy_for_writing(p));
  THAW_TRY(collect_by_name(c, p, out));
  if (action == Action::relock) {
    THAW_ASSIGN(locks, collect_locks(p));
    out.content = c.image.blob(locks);
  }
  if (action == Action::append && writable(out.flags)) out.flags |= O_APPEND;
  out.note = c.image.blob(note(action, out.file != model::kNone));
  return {};
}

/// The position is behind it, where the app's was.
Result<void> write_pid(int fd, bool line, std::string_view path) {
  const std::string text = std::to_string(getpid()) + (line ? "\n" : "");
  if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
      write(fd, text.data(), text.size()) == ssize_t(text.size()))
    return {};
  return errno_error("cannot write the pid to " + std::string(path));
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const Action action = action_of(file);
  const PathRecord& record = o.image.record<FileRecord>(file.payload)->at;
  const std::string_view path = o.image.bytes(record.path);
  // A log that was rotated away, or is on a fresh disk, starts anew as it would at a cold start.
  const bool append = action == Action::append && writable(file.flags);
  const bool pid = action == Action::pid && writable(file.flags);
  const bool made = append || pid || action == Action::relock;
  const int flags = reopen_flags(file.flags) | (made ? O_CREAT : 0);
  THAW_ASSIGN(fd, open_path(path, flags, record.mode & 0777));

  struct stat now = {};
  if (fstat(fd.get(), &now) != 0) return errno_error("cannot stat " + std::string(path));
  if (!S_ISREG(now.st_mode)) return Error{0, std::string(path) + " is not a regular file any more"};
  if (file.file != model::kNone &&
      image::compare(o.image, o.image.files()[file.file], fd.get(), now) != image::Likeness::same)
    return Error{0, std::string(path) + " has changed since the checkpoint",
                 "build the image again, or, if the app can do with what it is now, " +
                     policy::suggestion(kType, path, {Action::reopen})};

  if (pid) return fd;
  const auto size = static_cast<uint64_t>(now.st_size);
  uint64_t position = file.position;
  if (append) position = size;
  if (action != Action::error) position = std::min(position, size);
  THAW_TRY(set_position(fd.get(), position));
  return fd;
}

/// Only now: a launch that is given up before leaves the file of another instance as it is.
Result<void> finish(Opener& o, const model::OpenFile& file, int fd) {
  const auto& record = *o.image.record<FileRecord>(file.payload);
  const std::string_view path = o.image.bytes(record.at.path);
  if (action_of(file) == Action::relock)
    THAW_TRY(take_locks(fd, o.image.bytes(file.content), path));
  const bool pid = action_of(file) == Action::pid || record.pid != 0;
  return pid && writable(file.flags) ? write_pid(fd, record.pid != 1, path) : Result<void>();
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  if (action_of(file) == Action::error && writable(file.flags))
    return "a regular file of the image is open for writing without a policy";
  const auto* record = view.record<FileRecord>(file.payload);
  if (record == nullptr || !valid_path(view, record->at.path) || record->pid > 2)
    return "a regular file's record in the image is broken";
  return valid_locks(view.bytes(file.content)) ? nullptr : "a file's locks in the image are broken";
}

}  // namespace

constinit const Kind kRegularFile = {
    .name = "file",
    .policy = {.type = kType, .actions = kActions},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .finish = finish,
    .validate = validate,
};

}  // namespace thaw::fd
