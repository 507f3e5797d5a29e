#include "image/fingerprint.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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

bool counts(std::string_view name, uint8_t type, Names which) {
  // CPython makes this one for what it has compiled; its being there says nothing.
  if (name == "." || name == ".." || name == "__pycache__") return false;
  return which == Names::all || can_be_module(name, type);
}

}  // namespace

std::optional<uint64_t> hash_content(int fd) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  alignas(64) char buffer[32768];
  off_t offset = 0;
  for (;;) {
    const ssize_t got = pread(fd, buffer, sizeof(buffer), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return XXH3_64bits_digest(&state);
    XXH3_64bits_update(&state, buffer, static_cast<size_t>(got));
    offset += got;
  }
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
    if (got == 0) return sum;
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
