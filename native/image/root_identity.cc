#include "image/root_identity.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <memory>

#include "image/hash.h"
#include "image/mounts.h"
#include "support/unique_fd.h"

namespace thaw::image {
namespace {

/// A short file of the kernel's: one line.
class Line {
 public:
  explicit Line(const char* path) {
    const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t size = fd.valid() ? read(fd.get(), text_, sizeof(text_)) : 0;
    size_ = size > 0 && text_[size - 1] == '\n' ? static_cast<size_t>(size - 1) : 0;
  }
  /// Empty without one.
  [[nodiscard]] std::string_view text() const { return {text_, size_}; }

 private:
  char text_[256];
  size_t size_ = 0;
};

/// What /sys has of a block device.
Line about(dev_t device, const char* what) {
  char path[64];
  snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(device), minor(device), what);
  return Line(path);
}

/// The kilobytes that a file system says were ever written to it, as text; empty without them. Each
/// time that it is mounted to be written to, and each tool of e2fsprogs, adds to them.
Line written_so_far(dev_t device, uint32_t type) {
  char path[64], target[PATH_MAX];
  snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(device), minor(device));
  const ssize_t size = readlink(path, target, sizeof(target));
  const std::string_view link(target, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  const std::string_view name = link.substr(link.rfind('/') + 1);
  char counter[PATH_MAX + 64];
  snprintf(counter, sizeof(counter), "/sys/fs/%s/%.*s/lifetime_write_kbytes",
           type == EXT4_SUPER_MAGIC ? "ext4" : "f2fs", static_cast<int>(name.size()), name.data());
  return Line(counter);
}

RootState none(const char* why) {
  RootState state;
  state.why_not = why;
  return state;
}

/// What adds to the named file's content: another one each time that something else may have come
/// by another way than a new version.
RootState on_device(dev_t device, uint32_t type, std::string_view options) {
  RootState state;
  state.device = device;
  if (major(device) == 0) return none("lies on no block device");
  if (!has_option(options, "ro")) return none("lies on a file system that can be written to");
  if (about(device, "ro").text() != "1") return none("lies on a device that can be written to");
  const Line uuid = about(device, "dm/uuid");
  if (uuid.text().starts_with("CRYPT-VERITY-")) {
    state.kind = RootKind::verity;
    state.content = hash(uuid.text().data(), uuid.text().size());
    return state;
  }
  state.kind = RootKind::counted;
  if (type != EXT4_SUPER_MAGIC && type != F2FS_SUPER_MAGIC)
    return none("lies on a file system that does not tell whether it was written to meanwhile");
  // Whoever wrote to it last may not have come to count that.
  for (const char* word : {"norecovery", "noload", "disable_roll_forward"})
    if (has_option(options, word)) return none("lies on a file system without its journal");
  const Line written = written_so_far(device, type);
  if (written.text().empty() || written.text() == "0")
    return none("lies on a file system that does not count what is written to it");
  state.content = hash(written.text().data(), written.text().size());
  return state;
}

/// ".../ostree/deploy/OS/deploy/COMMIT.N", and what may follow.
bool is_deployment(std::string_view root) {
  constexpr std::string_view kDeploy = "/deploy/";
  constexpr size_t kCommit = 64;
  const size_t begin = root.find("/ostree/deploy/");
  if (begin == std::string_view::npos) return false;
  root.remove_prefix(begin + 15);
  root.remove_prefix(std::min(root.find('/'), root.size()));  // The system's name.
  if (!root.starts_with(kDeploy)) return false;
  root.remove_prefix(kDeploy.size());
  if (root.ends_with("//deleted")) return false;
  const std::string_view name = root.substr(0, root.find('/'));
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return name.size() > kCommit + 1 && std::all_of(name.begin(), name.begin() + kCommit, is_hex) &&
         name[kCommit] == '.' && std::all_of(name.begin() + kCommit + 1, name.end(), is_digit);
}

RootState of_mount(dev_t device, uint64_t id, Mounts& mounts) {
  if (id == 0) return none("is a folder, and this kernel does not tell what is mounted there");
  if (!mounts.read_all()) return none("lies where too much is mounted");
  const Mount& mount = mounts.kept();
  if (!is_deployment(mount.root))
    return none("is a folder, and what is mounted there is no deployment of ostree");
  if (!has_option(mount.options, "ro") && !has_option(mount.super_options, "ro"))
    return none("is a deployment of ostree that can be written to");
  RootState state;
  state.kind = RootKind::ostree;
  state.device = device;
  state.mount = id;
  state.content = hash(mount.root.data(), mount.root.size());
  state.mounts = mounts.sum();
  return state;
}

RootState of_file(int fd, dev_t device, Mounts& mounts) {
  struct statfs status = {};
  if (fstatfs(fd, &status) != 0) return none("cannot be read");
  const auto type = static_cast<uint32_t>(status.f_type);
  const bool unwritable = type == SQUASHFS_MAGIC || type == EROFS_SUPER_MAGIC_V1;
  // Asked for before the list of mounts, which costs more.
  if (!unwritable && (static_cast<unsigned long>(status.f_flags) & ST_RDONLY) == 0)
    return none("lies on a file system that can be written to");
  char text[4096];
  const ssize_t size = read(fd, text, sizeof(text));
  if (size <= 0 || size == sizeof(text)) return none("is empty, or has more than 4 KB");
  if (!mounts.read_all()) return none("lies where too much is mounted");
  RootState state;
  state.device = device;
  if (!unwritable) state = on_device(device, type, mounts.super_options());
  state.content = state.content * 31 + hash(text, static_cast<size_t>(size));
  state.mounts = mounts.sum();
  return state;
}

}  // namespace

RootState root_state(const char* name, std::string_view folders) {
  const UniqueFd fd(open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct statx status = {};
  if (!fd.valid() || statx(fd.get(), "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &status) != 0)
    return none("cannot be read");
  const dev_t device = makedev(status.stx_dev_major, status.stx_dev_minor);
  const uint64_t id = (status.stx_mask & STATX_MNT_ID) != 0 ? status.stx_mnt_id : 0;
  const std::unique_ptr<Mounts> mounts(new Mounts(folders, device, id));
  if (S_ISDIR(status.stx_mode)) return of_mount(device, id, *mounts);
  if (!S_ISREG(status.stx_mode)) return none("is no regular file");
  return of_file(fd.get(), device, *mounts);
}

}  // namespace thaw::image
