#include "image/root_identity.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "image/environment.h"
#include "image/hash.h"
#include "support/unique_fd.h"

namespace thaw::image {
namespace {

/// One line of /proc/self/mountinfo (proc(5)): "36 35 98:0 /root /point options - type source".
struct Mount {
  unsigned long id = 0, parent = 0;
  dev_t device = 0;
  std::string_view root, point, type;
};

class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}
  std::string_view next() {
    const std::string_view field = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(std::min(rest_.size(), field.size() + 1));
    return field;
  }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// A number that another character follows.
unsigned long number_at(std::string_view text) {
  return strtoul(text.data(), nullptr, 10);
}

Mount parse(std::string_view line) {
  Fields fields(line);
  Mount mount;
  mount.id = number_at(fields.next());
  mount.parent = number_at(fields.next());
  const std::string_view device = fields.next();
  const size_t colon = device.find(':');
  if (colon != std::string_view::npos)
    mount.device = makedev(static_cast<unsigned>(number_at(device)),
                           static_cast<unsigned>(number_at(device.substr(colon + 1))));
  mount.root = fields.next();
  mount.point = fields.next();
  while (!fields.done() && fields.next() != "-") {
  }
  mount.type = fields.next();
  return mount;
}

/// All that this process sees. `device`: of the file system that stands for its root; numbers of
/// devices are given out in the order of mounts, so only which are that one counts.
class Mounts {
 public:
  Mounts(std::string_view folders, dev_t device) : folders_(folders), device_(device) {}

  /// False if there are more than fit.
  bool read_all() {
    const UniqueFd fd(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    size_t size = 0;
    for (ssize_t got = 1; got > 0; size += static_cast<size_t>(got)) {
      got = fd.valid() ? read(fd.get(), text_ + size, sizeof(text_) - 1 - size) : -1;
      if (got < 0) return false;
    }
    if (size == sizeof(text_) - 1) return false;
    for (std::string_view rest(text_, size); !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (count_ == kMost) return false;
      all_[count_++] = known(parse(line));
    }
    return true;
  }

  /// Does not depend on their order. What lies on top of what, the parents tell.
  [[nodiscard]] uint64_t sum() const {
    uint64_t sum = 0;
    for (size_t i = 0; i < count_; ++i)
      if (all_[i].counts) sum += all_[i].hash * 3 + hash_of(all_[i].parent);
    return sum;
  }

 private:
  static constexpr size_t kMost = 256, kMostText = 65536;

  /// Without initial values: most of them are never touched.
  struct Known {
    unsigned long id, parent;
    uint64_t hash;
    bool counts;
  };

  static bool is_in(std::string_view path, std::string_view folder) {
    return folder == "/" || (path.starts_with(folder) &&
                             (path.size() == folder.size() || path[folder.size()] == '/'));
  }

  [[nodiscard]] bool counts(std::string_view point) const {
    for (const std::string_view folder : Strings(folders_))
      if (is_in(point, folder) || is_in(folder, point)) return true;
    return false;
  }

  [[nodiscard]] Known known(const Mount& mount) const {
    const std::string_view type = mount.device == device_ ? "\n" : mount.type;
    uint64_t sum = 0;
    for (const std::string_view part : {mount.point, mount.root, type})
      sum = sum * 31 + hash(part.data(), part.size());
    return {mount.id, mount.parent, sum, counts(mount.point)};
  }

  [[nodiscard]] uint64_t hash_of(unsigned long id) const {
    for (size_t i = 0; i < count_; ++i)
      if (all_[i].id == id) return all_[i].hash;
    return 0;
  }

  std::string_view folders_;
  dev_t device_;
  size_t count_ = 0;
  Known all_[kMost];
  char text_[kMostText];
};

bool cannot_be_written(int fd) {
  struct statfs status = {};
  if (fstatfs(fd, &status) != 0) return false;
  const auto type = static_cast<uint32_t>(status.f_type);
  return type == SQUASHFS_MAGIC || type == EROFS_SUPER_MAGIC_V1;
}

}  // namespace

std::optional<RootState> root_state(const char* file, std::string_view folders) {
  const UniqueFd fd(open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat status = {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      !cannot_be_written(fd.get()))
    return std::nullopt;
  char text[4096];
  const ssize_t size = read(fd.get(), text, sizeof(text));
  if (size <= 0 || size == sizeof(text)) return std::nullopt;
  const std::unique_ptr<Mounts> mounts(new Mounts(folders, status.st_dev));
  if (!mounts->read_all()) return std::nullopt;
  return RootState{status.st_dev, hash(text, static_cast<size_t>(size)), mounts->sum()};
}

}  // namespace thaw::image
