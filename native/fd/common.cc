#include "fd/common.h"

#include <algorithm>
#include <charconv>

namespace thaw::fd {
namespace {

bool names(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find('|'));
    if (item == name) return true;
    list.remove_prefix(std::min(item.size() + 1, list.size()));
  }
  return false;
}

}  // namespace

Result<Action> choose_action(const Collector& c, const Probe& p, std::string_view type,
                             std::string_view known) {
  const Action action = c.policies.find(type, p.link);
  if (action == Action::error || names(known, policy::action_name(action))) return action;
  return refuse(p,
                "is named by a policy whose action '" + std::string(policy::action_name(action)) +
                    "' does not apply to it",
                policy::suggestion(type, p.link, known));
}

Result<void> refuse_locks(const Probe& p, std::string_view type) {
  std::string_view lock;
  each_line(p.fdinfo, "lock:", [&](std::string_view line) {
    lock = trim(line.substr(line.find(": ") + 1));
    return false;
  });
  if (lock.empty()) return {};
  return refuse(
      p, "holds a file lock (" + std::string(lock) + ")",
      "release it before the checkpoint, or " + policy::suggestion(type, p.link, "close|ignore"));
}

const char* below_root(int root, const std::string& path) {
  if (root < 0) return path.c_str();
  const size_t start = path.find_first_not_of('/');
  return start == std::string::npos ? "." : path.c_str() + start;
}

bool name_leads_to_it(const Collector& c, const Probe& p) {
  if (p.link.empty() || p.link[0] != '/') return false;
  struct stat found = {};
  const int root = c.root < 0 ? AT_FDCWD : c.root;
  return fstatat(root, below_root(c.root, p.link), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         found.st_ino == p.status.st_ino && found.st_dev == p.status.st_dev &&
         (found.st_mode & S_IFMT) == (p.status.st_mode & S_IFMT);
}

PathRecord path_record(Collector& c, const Probe& p, std::string_view path) {
  PathRecord record;
  record.path = c.image.blob(path);
  record.dev = p.status.st_dev;
  record.ino = p.status.st_ino;
  record.rdev = p.status.st_rdev;
  record.mode = p.status.st_mode;
  return record;
}

std::string fresh_fdinfo(const Probe& p) {
  auto text = read_file("/proc/self/fdinfo/" + std::to_string(p.copy.get()));
  return text ? text.take() : p.fdinfo;
}

std::string_view line_field(std::string_view line, std::string_view key) {
  for (size_t at = 0; (at = line.find(key, at)) != std::string_view::npos; at += key.size()) {
    // "mask:" must not be found within "ignored_mask:".
    if (at != 0 && line[at - 1] != ' ' && line[at - 1] != '\t') continue;
    std::string_view value = line.substr(at + key.size());
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value.substr(0, value.find(' '));
  }
  return {};
}

Result<UniqueFd> open_path(std::string_view path, int flags, mode_t mode) {
  // O_NONBLOCK costs an fcntl later, and a launch that cannot hang is worth it. O_PATH opens
  // nothing.
  const bool guard = (flags & (O_PATH | O_NONBLOCK)) == 0;
  UniqueFd fd(::open(path.data(), flags | O_CLOEXEC | O_NOCTTY | (guard ? O_NONBLOCK : 0), mode));
  if (!fd.valid()) return errno_error("cannot open " + std::string(path));
  if (guard) THAW_TRY(set_status_flags(fd.get(), static_cast<uint32_t>(flags)));
  return fd;
}

Result<UniqueFd> open_again(int fd, int flags) {
  char path[32] = "/proc/self/fd/";
  const auto end = std::to_chars(path + strlen(path), path + sizeof(path) - 1, fd);
  *end.ptr = '\0';
  UniqueFd again(::open(path, flags | O_CLOEXEC));
  if (!again.valid())
    return errno_error("cannot open a descriptor again through " + std::string(path));
  return again;
}

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy.valid()) return errno_error("cannot duplicate a descriptor");
  return copy;
}

Result<void> set_status_flags(int fd, uint32_t flags) {
  constexpr uint32_t kSettable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
  if (fcntl(fd, F_SETFL, static_cast<int>(flags & kSettable)) != 0)
    return errno_error("cannot set the status flags of a descriptor");
  return {};
}

Result<void> set_position(int fd, uint64_t position) {
  if (position != 0 && lseek(fd, static_cast<off_t>(position), SEEK_SET) < 0)
    return errno_error("cannot set the position of a descriptor");
  return {};
}

Result<UniqueFd> closed_file(uint32_t flags) {
  return open_path("/dev/null",
                   static_cast<int>(flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_PATH)));
}

bool valid_string(const image::View& view, model::Blob blob) {
  const auto blobs = view.blobs();
  if (blob.offset > blobs.size() || blob.size >= blobs.size() - blob.offset) return false;
  return blobs[static_cast<size_t>(blob.offset + blob.size)] == '\0' &&
         view.bytes(blob).find('\0') == std::string_view::npos;
}

const PathRecord* valid_path_record(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<PathRecord>(file.payload);
  if (record == nullptr || !valid_string(view, record->path)) return nullptr;
  return view.bytes(record->path).starts_with('/') ? record : nullptr;
}

bool valid_action(const model::OpenFile& file, std::string_view known) {
  const Action action = action_of(file);
  return action == Action::error || names(known, policy::action_name(action));
}

}  // namespace thaw::fd
