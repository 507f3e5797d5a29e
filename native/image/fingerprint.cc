#include "image/fingerprint.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "image/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace thaw::image {
namespace {

/// struct linux_dirent64 of getdents(2).
struct Entry {
  uint64_t ino;
  int64_t next;
  uint16_t size;
  uint8_t type;
  char name[];
};

bool can_be_module(std::string_view name, uint8_t type) {
  for (const std::string_view suffix : {".py", ".pyc", ".so"})
    if (name.ends_with(suffix)) return true;
  // A folder can be a package; what a link leads to is not looked at.
  return type != DT_REG && name.find('.') == std::string_view::npos;
}

/// Holes are not read: the kernel would fill its page cache with their zeros.
class ContentHash {
 public:
  explicit ContentHash(int fd) : fd_(fd) { XXH3_64bits_reset(&state_); }

  std::optional<uint64_t> run() {
    // Most are that short: two calls instead of six.
    const ssize_t first = pread(fd_, buffer_, sizeof(buffer_), 0);
    if (first >= 0 && first < ssize_t{sizeof(buffer_)} && ends_at(first))
      return hash(buffer_, static_cast<size_t>(first));
    for (;;) {
      if (offset_ == data_end_ && !go_to_data()) return XXH3_64bits_digest(&state_);
      const auto size = std::min<off_t>(sizeof(buffer_), data_end_ - offset_);
      const ssize_t got = pread(fd_, buffer_, static_cast<size_t>(size), offset_);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::nullopt;
      if (got == 0) return XXH3_64bits_digest(&state_);
      XXH3_64bits_update(&state_, buffer_, static_cast<size_t>(got));
      offset_ += got;
    }
  }

 private:
  [[nodiscard]] bool ends_at(off_t offset) const {
    char more = 0;
    return pread(fd_, &more, sizeof(more), offset) == 0;
  }

  static constexpr off_t kEverything = std::numeric_limits<off_t>::max();

  /// False at the end of the file. Where holes are not told, all is data.
  bool go_to_data() {
    const off_t data = lseek(fd_, offset_, SEEK_DATA);
    if (data < 0 && errno != ENXIO) {
      data_end_ = kEverything;
      return true;
    }
    add_zeros((data < 0 ? lseek(fd_, 0, SEEK_END) : data) - offset_);
    if (data < 0) return false;
    offset_ = data;
    const off_t hole = lseek(fd_, data, SEEK_HOLE);
    data_end_ = hole > data ? hole : kEverything;
    return true;
  }

  void add_zeros(off_t count) {
    memset(buffer_, 0, sizeof(buffer_));
    for (; count > 0; count -= static_cast<off_t>(sizeof(buffer_)))
      XXH3_64bits_update(&state_, buffer_,
                         static_cast<size_t>(std::min<off_t>(count, sizeof(buffer_))));
  }

  int fd_;
  XXH3_state_t state_;
  off_t offset_ = 0, data_end_ = 0;
  alignas(64) char buffer_[32768];
};

bool counts(std::string_view name, uint8_t type, Names which) {
  // CPython makes this one for what it has compiled; its being there says nothing.
  if (name == "." || name == ".." || name == "__pycache__") return false;
  return which == Names::all || can_be_module(name, type);
}

}  // namespace

std::optional<uint64_t> hash_content(int fd) {
  return ContentHash(fd).run();
}

bool has_change_times(const char* path, int64_t mtime_ns, int64_t ctime_ns) {
  constexpr uint32_t kRomfs = 0x7275;  // fs/romfs, which exports none.
  struct statfs status = {};
  if (statfs(path, &status) != 0) return true;
  switch (static_cast<uint32_t>(status.f_type)) {
    case SQUASHFS_MAGIC:
    case EROFS_SUPER_MAGIC_V1:
    case CRAMFS_MAGIC:
    case ISOFS_SUPER_MAGIC:
    case kRomfs:
      return false;
    case OVERLAYFS_SUPER_MAGIC:
      // What lies beneath is not told. Those above give one time for both, and builds that can be
      // repeated give whole seconds; what was written where there are change times has neither.
      return mtime_ns != ctime_ns || ctime_ns % 1'000'000'000 != 0;
    default:
      return true;
  }
}

std::optional<uint64_t> hash_names(int fd, Names which) {
  alignas(Entry) char buffer[32768];
  uint64_t sum = 0;
  for (;;) {
    const long got = syscall(SYS_getdents64, fd, buffer, sizeof(buffer));
    if (got < 0) return std::nullopt;
    if (got == 0) return sum != 0 ? sum : 1;  // Zero is what nobody could read.
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
      const std::string_view name(entry->name);
      // Their sum does not depend on their order.
      if (counts(name, entry->type, which)) sum += hash(name.data(), name.size());
      at += entry->size;
    }
  }
}

}  // namespace thaw::image
