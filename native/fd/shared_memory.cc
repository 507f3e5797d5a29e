#include "fd/shared_memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "fd/flags.h"
#include "fd/payload.h"
#include "fd/reopen.h"
#include "support/clock.h"
#include "support/file.h"
#include "support/young_kernels.h"

namespace thaw::fd {
namespace {

constexpr std::string_view kMemfd = "/memfd:";
constexpr std::string_view kAnonymous = "/dev/zero";
constexpr std::string_view kDeleted = " (deleted)";
constexpr uint64_t kMaxStored = uint64_t{1} << 30;  ///< bytes in use, not counting holes
constexpr uint32_t kAllSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
                               F_SEAL_FUTURE_WRITE | young::kSealExec;
constexpr size_t kMaxName = 249;  ///< of a memfd

bool is_memfd(std::string_view name) {
  return name.starts_with(kMemfd);
}

/// The name of a memfd or the path of a file, of what /proc shows.
std::string_view own_name(std::string_view name) {
  if (name.ends_with(kDeleted)) name.remove_suffix(kDeleted.size());
  return is_memfd(name) ? name.substr(kMemfd.size()) : name;
}

/// Memory that a plain memfd cannot stand for.
Result<void> check_file_system(int fd) {
  struct statfs fs = {};
  if (fstatfs(fd, &fs) != 0) return errno_error("it cannot be examined");
  if (static_cast<uint32_t>(fs.f_type) == HUGETLBFS_MAGIC)
    return Error{0, "it is memory in huge pages"};
  if (static_cast<uint32_t>(fs.f_type) == SECRETMEM_MAGIC)
    return Error{0, "it is secret memory, which nobody can read"};
  return {};
}

/// Labels of security modules are the kernel's own, and what btrfs keeps files by (compression) means
/// nothing in memory.
bool has_attributes(int fd) {
  char names[4096];
  const ssize_t size = flistxattr(fd, names, sizeof(names));
  for (std::string_view left(names, static_cast<size_t>(std::max(size, ssize_t{0})));
       !left.empty();) {
    const std::string_view name = left.substr(0, left.find('\0'));
    const bool means_nothing = name.starts_with("btrfs.") ||
                               (name.starts_with("security.") && name != "security.capability");
    if (!means_nothing) return true;
    left.remove_prefix(std::min(name.size() + 1, left.size()));
  }
  return size < 0 && errno == ERANGE;
}

/// Whether a launch can make the memory belong to that user and group: its own, or with the
/// capabilities to set them.
bool can_own(pid_t pid, const struct stat& file) {
  constexpr uint64_t kChown = 1, kFowner = 1 << 3;
  const auto read = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!read) return false;
  const std::string_view status = read.value();
  const uint64_t capabilities = number(line_value(status, "CapEff:"), 16);
  if ((capabilities & (kChown | kFowner)) == (kChown | kFowner)) return true;
  const auto effective = [&status](const char* key) {
    return number(split(line_value(status, key), "\t ")[1]);
  };
  const auto groups = split(line_value(status, "Groups:"), " ");
  return effective("Uid:") == file.st_uid &&
         (effective("Gid:") == file.st_gid ||
          std::any_of(groups.begin(), groups.end(),
                      [&file](std::string_view group) { return number(group) == file.st_gid; }));
}

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

timespec from_nanoseconds(int64_t time) {
  int64_t seconds = time / kSecond, rest = time % kSecond;
  if (rest < 0) {  // Before 1970.
    seconds -= 1;
    rest += kSecond;
  }
  return {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

Result<void> fill_object(Collector& c, const Probe& p, model::Object& object) {
  const int fd = p.copy.get();
  const struct stat& status = p.status;
  THAW_TRY(check_file_system(fd));
  if (static_cast<uint64_t>(status.st_blocks) * 512 > kMaxStored)
    return Error{0, "it holds more than 1 GB, too much to be part of an image"};
  if (has_attributes(fd)) return Error{0, "it has extended attributes or an access control list"};
  if (!can_own(p.pid, status))
    return Error{0, "it belongs to user " + std::to_string(status.st_uid) + ", group " +
                        std::to_string(status.st_gid) + ", to whom a launch cannot give it"};
  const bool memfd = is_memfd(p.link);
  const int seals = memfd ? fcntl(fd, F_GET_SEALS) : 0;
  if (seals < 0) return errno_error("its seals cannot be read");
  object.flags = (static_cast<uint32_t>(seals) & kMemorySeals) | (memfd ? 0u : kMemoryWasFile) |
                 (status.st_mode & 07777u) << kMemoryModeShift;
  object.size = static_cast<uint64_t>(status.st_size);
  object.name = c.image.blob(own_name(p.link));
  object.atime_ns = nanoseconds(status.st_atim);
  object.mtime_ns = nanoseconds(status.st_mtim);
  object.uid = status.st_uid;
  object.gid = status.st_gid;
  // The descriptor may be open for writing only. That the content is read must not show.
  auto reader = open_again(fd, O_RDONLY | O_NOATIME);
  if (!reader) reader = open_again(fd, O_RDONLY);
  if (!reader) return reader.error();
  THAW_ASSIGN(runs, c.store_content(reader.value().get(), object.size));
  object.runs = runs;
  return {};
}

/// memfd_create with what its seals and permission bits need; the flags for executability came with
/// Linux 6.3.
UniqueFd create(const char* name, uint32_t flags) {
  const uint32_t mode = flags >> kMemoryModeShift;
  const unsigned base = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const unsigned exec = (flags & young::kSealExec) != 0 && (mode & 0111) == 0
                            ? young::kMfdNoexecSeal
                            : young::kMfdExec;
  int fd = static_cast<int>(syscall(SYS_memfd_create, name, base | exec));
  if (fd < 0 && errno == EINVAL) fd = static_cast<int>(syscall(SYS_memfd_create, name, base));
  return UniqueFd(fd);
}

/// Copies `size` bytes of the image at `from` to `memory` at `to`; the kernel moves them page by
/// page.
Result<void> copy_run(int image, uint64_t from, int memory, uint64_t to, uint64_t size) {
  if (lseek(memory, static_cast<off_t>(to), SEEK_SET) < 0)
    return errno_error("cannot fill shared memory");
  auto offset = static_cast<off_t>(from);
  while (size > 0) {
    const size_t part = static_cast<size_t>(std::min<uint64_t>(size, uint64_t{1} << 30));
    const ssize_t n = sendfile(memory, image, &offset, part);
    if (n == 0) return Error{0, "the image ends within the content of shared memory"};
    if (n < 0) return errno_error("cannot fill shared memory");
    size -= static_cast<uint64_t>(n);
  }
  return {};
}

/// Beyond the caller's limit of file sizes the kernel would kill (SIGXFSZ).
Result<void> check_limit(uint64_t size) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur) return {};
  return Error{0,
               "shared memory of " + std::to_string(size) +
                   " bytes is more than the caller's limit of file sizes allows",
               "raise the limit (ulimit -f, LimitFSIZE=)"};
}

Result<void> fill_memory(Opener& o, const model::Object& object, int memory) {
  THAW_TRY(check_limit(object.size));
  if (ftruncate(memory, static_cast<off_t>(object.size)) != 0)
    return errno_error("cannot size shared memory");
  for (const model::DataRun& run : image::View::part(o.image.data_runs(), object.runs)) {
    // The last page of a run may reach beyond the end.
    if (run.offset >= object.size) continue;
    const uint64_t size = std::min(run.size, object.size - run.offset);
    THAW_TRY(copy_run(o.image.fd(), run.data, memory, run.offset, size));
  }
  return {};
}

/// A deleted file's path may be too long for the name of a memfd; its last part names it as well.
const char* memory_name(std::string_view name, uint32_t flags) {
  if ((flags & kMemoryWasFile) == 0) return name.data();
  name = base_name(name);
  return name.size() <= kMaxName ? name.data() : name.data() + (name.size() - kMaxName);
}

}  // namespace

Result<model::Index> collect_memory(Collector& c, const Probe& p) {
  Result<void> made;
  const model::Index index = c.object(
      model::ObjectKind::shared_memory, object_id(p.status.st_dev, p.status.st_ino),
      [&](model::Object& object) { return fill_object(c, p, object); }, made);
  if (!made) return made.error();
  return index;
}

model::Index find_memory(const image::Builder& image, dev_t dev, ino_t ino, std::string_view name) {
  constexpr auto kKind = model::ObjectKind::shared_memory;
  const model::Index exact = find_object(image, kKind, object_id(dev, ino));
  if (exact != model::kNone) return exact;
  for (model::Index i = 0; i < image.objects.size(); ++i) {
    const model::Object& object = image.objects[i];
    if (object.kind == kKind && same_inode(object.id, ino) &&
        (object.flags & kMemoryWasFile) != 0 && image.bytes(object.name) == own_name(name))
      return i;
  }
  return model::kNone;
}

model::Object mapped_memory(image::Builder& image, dev_t dev, ino_t ino, std::string_view name) {
  constexpr uint32_t kAnyAccess = 0777;
  model::Object object;
  object.kind = model::ObjectKind::shared_memory;
  object.id = object_id(dev, ino);
  const bool was_file = name.starts_with('/') && !is_memfd(name) && name != kAnonymous;
  object.flags = (was_file ? kMemoryWasFile : 0u) | kAnyAccess << kMemoryModeShift;
  object.name = image.blob(was_file || is_memfd(name) ? own_name(name) : "anonymous");
  return object;
}

Result<int> open_memory(Opener& o, model::Index index) {
  Opener::Side& side = o.sides[index];
  if (side.fd[0] >= 0) return side.fd[0];
  const model::Object& object = o.image.objects()[index];
  UniqueFd memory = create(memory_name(o.image.bytes(object.name), object.flags), object.flags);
  if (!memory.valid()) return errno_error("cannot make shared memory");
  THAW_TRY(fill_memory(o, object, memory.get()));
  const uint32_t seals = object.flags & kMemorySeals;
  if (seals != 0 && fcntl(memory.get(), F_ADD_SEALS, seals) != 0)
    return errno_error("cannot seal shared memory");
  side.fd[0] = memory.release();
  return side.fd[0];
}

bool valid_memory_object(const image::View& view, model::Index index) {
  if (index >= view.objects().size()) return false;
  const model::Object& object = view.objects()[index];
  if (object.kind != model::ObjectKind::shared_memory || object.size > INT64_MAX ||
      (object.flags & kMemorySeals & ~kAllSeals) != 0 || (object.flags >> kMemoryModeShift) > 07777)
    return false;
  const bool memfd = (object.flags & kMemoryWasFile) == 0;
  return valid_string(view, object.name) && (!memfd || object.name.size <= kMaxName);
}

Result<UniqueFd> open_memory_file(Opener& o, const model::OpenFile& file) {
  THAW_ASSIGN(memory, open_memory(o, file.object));
  if (file.side == kMemoryItself) {
    if (lseek(memory, static_cast<off_t>(file.position), SEEK_SET) < 0)
      return errno_error("cannot set the position of a memfd");
    return duplicate(memory);
  }
  auto fd = open_again(memory, reopen_flags(file.flags));
  // Shared memory takes O_DIRECT only from Linux 6.6 on, and it means nothing there.
  if (!fd && fd.error().err == EINVAL && (file.flags & O_DIRECT) != 0)
    fd = open_again(memory, reopen_flags(file.flags & ~uint32_t{O_DIRECT}));
  if (!fd) return fd;
  THAW_TRY(set_position(fd.value().get(), file.position));
  return fd;
}

/// The owner first: a change of it takes set-user-id bits away.
Result<void> finish_memory_file(Opener& o, const model::OpenFile& file, int fd) {
  const model::Object& object = o.image.objects()[file.object];
  struct stat now = {};
  if (fstat(fd, &now) != 0) return errno_error("cannot examine shared memory");
  if ((now.st_uid != object.uid || now.st_gid != object.gid) &&
      fchown(fd, object.uid, object.gid) != 0)
    return errno_error("cannot set the owner of shared memory");
  const mode_t mode = object.flags >> kMemoryModeShift;
  if (((now.st_mode & 07777) != mode || (mode & 07000) != 0) && fchmod(fd, mode) != 0)
    return errno_error("cannot set the permissions of shared memory");
  const timespec times[] = {from_nanoseconds(object.atime_ns), from_nanoseconds(object.mtime_ns)};
  if ((nanoseconds(now.st_atim) != object.atime_ns ||
       nanoseconds(now.st_mtim) != object.mtime_ns) &&
      futimens(fd, times) != 0)
    return errno_error("cannot set the times of shared memory");
  return {};
}

}  // namespace thaw::fd
