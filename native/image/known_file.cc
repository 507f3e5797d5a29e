#include "image/known_file.h"

#include "elf/build_id.h"

namespace thaw::image {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t mtime_ns(const struct stat& status) {
  return int64_t{status.st_mtim.tv_sec} * kSecond + status.st_mtim.tv_nsec;
}

}  // namespace

bool same_time_of_copy(int64_t a, int64_t b) {
  if (a == b) return true;
  return (a % kSecond == 0 || b % kSecond == 0) && a / kSecond == b / kSecond;
}

Likeness compare(const View& view, const model::File& file, int fd, const struct stat& status) {
  if (file.size != static_cast<uint64_t>(status.st_size)) return Likeness::changed;
  const bool same_device = file.dev == status.st_dev;
  if (same_device && file.ino == status.st_ino && file.mtime_ns == mtime_ns(status))
    return Likeness::same;
  const bool same_time = same_time_of_copy(file.mtime_ns, mtime_ns(status));
  // The same inode number on the same device number may still be another device: whole seconds
  // tell a copy from a file that was written to.
  if (same_device && !same_time) return Likeness::other;
  if (file.build_id.size == 0) return same_time ? Likeness::same : Likeness::other;
  return elf::build_id(fd) == view.bytes(file.build_id) ? Likeness::same : Likeness::other;
}

const model::File* file_with_build_id(const View& view, const model::Input& input) {
  for (const model::File& file : view.files())
    if (file.ino == input.ino && file.size == input.size && file.mtime_ns == input.mtime_ns &&
        file.build_id.size != 0)
      return &file;
  return nullptr;
}

}  // namespace thaw::image
