#include "restore/uncached_copy.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>

namespace thaw::restore {
namespace {

bool is_suitable(int fd) {
  struct statfs kind = {};
  struct statvfs mount = {};
  if (fstatfs(fd, &kind) != 0 || fstatvfs(fd, &mount) != 0) return false;
  const auto type = static_cast<uint32_t>(kind.f_type);  // Signed in some libcs.
  return type != TMPFS_MAGIC && type != RAMFS_MAGIC && (mount.f_flag & ST_NOEXEC) == 0;
}

UniqueFd nameless_file(const std::string& folder) {
  UniqueFd fd(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0500));
  if (fd.valid() && !is_suitable(fd.get())) fd.reset();
  return fd;
}

bool copy_all(int from, int to) {
  constexpr size_t kPart = size_t{1} << 30;
  off_t offset = 0;
  ssize_t got = 0;
  do got = sendfile(to, from, &offset, kPart);
  while (got > 0);
  return got == 0;
}

/// Only what the storage has can leave the page cache. Its journal may wait: nobody will look for
/// the copy after a power cut.
bool drop(int fd) {
  constexpr unsigned kWriteAndWait =
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  return sync_file_range(fd, 0, 0, kWriteAndWait) == 0 &&
         posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
}

}  // namespace

UniqueFd uncached_copy(int file, const char* beside) {
  const std::string path = beside;
  const size_t slash = path.rfind('/');
  const std::string folders[] = {slash == std::string::npos ? "." : path.substr(0, slash + 1),
                                 "/var/tmp"};
  for (const std::string& folder : folders) {
    UniqueFd copy = nameless_file(folder);
    if (copy.valid() && copy_all(file, copy.get()) && drop(copy.get())) return copy;
  }
  return {};
}

}  // namespace thaw::restore
