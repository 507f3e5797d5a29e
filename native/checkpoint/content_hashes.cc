#include "checkpoint/content_hashes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "image/fingerprint.h"
#include "image/format.h"
#include "support/clock.h"
#include "support/unique_fd.h"

namespace thaw::checkpoint {
namespace {

/// Its content is what instances write: a launch does not compare it.
bool is_written(const proc::Vma& vma) {
  return vma.shared && (vma.prot & PROT_WRITE) != 0;
}

/// What is mapped of an older image becomes part of the new one.
bool is_thaw_image(int fd) {
  char magic[sizeof(image::kMagic)] = {};
  return pread(fd, magic, sizeof(magic), 0) == ssize_t{sizeof(magic)} &&
         memcmp(magic, image::kMagic, sizeof(magic)) == 0;
}

}  // namespace

ContentHashes::Version ContentHashes::version_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size),
          int64_t{status.st_mtim.tv_sec} * kSecond + status.st_mtim.tv_nsec,
          int64_t{status.st_ctim.tv_sec} * kSecond + status.st_ctim.tv_nsec};
}

/// Whether a change from now on would make another version: change times come in steps, of up to
/// two seconds (FAT).
bool ContentHashes::tells_changes(const char* path, const Version& version) {
  constexpr int64_t kLongestStep = 2 * kSecond;
  return version.ctime_ns < clock_ns(CLOCK_REALTIME) - kLongestStep &&
         image::has_change_times(path, version.mtime_ns, version.ctime_ns);
}

void ContentHashes::read_ahead(std::span<const proc::Vma> mappings,
                               const std::vector<inputs::Input>& known) {
  std::set<std::string> paths;
  for (const proc::Vma& vma : mappings)
    if (vma.is_file() && !vma.deleted && !is_written(vma)) paths.insert(vma.path);
  for (const inputs::Input& input : known)
    if (input.record.kind == model::InputKind::file) paths.erase(input.path);
  for (const std::string& path : paths) read(path.c_str());
}

void ContentHashes::read(const char* path) {
  struct stat status = {};
  // Not to be opened: devices, which may start to work, and FIFOs.
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return;
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid() || fstat(fd.get(), &status) != 0) return;
  const Version version = version_of(status);
  if (version.size > image::kMostToRead || is_thaw_image(fd.get()) || !tells_changes(path, version))
    return;
  const auto hash = image::hash_content(fd.get());
  // Changed while it was read.
  if (!hash || fstat(fd.get(), &status) != 0 || version_of(status) != version) return;
  hashes_[version] = *hash;
}

std::optional<uint64_t> ContentHashes::of(int fd) const {
  struct stat status = {};
  if (fstat(fd, &status) == 0) {
    const auto found = hashes_.find(version_of(status));
    if (found != hashes_.end()) return found->second;
  }
  return image::hash_content(fd);
}

}  // namespace thaw::checkpoint
