#include "launch/open/uncached_copy.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace thaw::launch {
namespace {

/// A device's storage keeps as much room as the copy takes, and is not worn by more than this.
constexpr off_t kMost = off_t{512} << 20;

bool is_memory(int fd) {
  struct statfs kind = {};
  if (fstatfs(fd, &kind) != 0) return true;
  const auto type = static_cast<uint32_t>(kind.f_type);  // Signed in some libcs.
  return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}

bool has_room(int fd, off_t size) {
  struct statvfs room = {};
  return size <= kMost && fstatvfs(fd, &room) == 0 &&
         room.f_bavail >= static_cast<uint64_t>(size) / room.f_frsize * 2;
}

UniqueFd nameless_file(const std::string& folder) {
  return UniqueFd(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0500));
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

/// True if programs may be mapped from it (the mount and the security module may forbid that) and
/// next to nothing of it is in the page cache: an overlay may lie in memory after all.
bool is_good(int fd, size_t size) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  if (memory == MAP_FAILED) return false;
  std::vector<unsigned char> present((size + page - 1) / page);
  const bool known = mincore(memory, size, present.data()) == 0;
  munmap(memory, size);
  const auto cached = std::count_if(present.begin(), present.end(),
                                    [](unsigned char state) { return (state & 1) != 0; });
  return known && static_cast<size_t>(cached) <= present.size() / 16;
}

}  // namespace

UniqueFd uncached_copy(int file, const char* beside) {
  struct stat status = {};
  if (fstat(file, &status) != 0) return {};
  const std::string path = beside;
  const size_t slash = path.rfind('/');
  const std::string folders[] = {slash == std::string::npos ? "." : path.substr(0, slash + 1),
                                 "/var/tmp"};
  for (const std::string& folder : folders) {
    UniqueFd copy = nameless_file(folder);
    if (copy.valid() && !is_memory(copy.get()) && has_room(copy.get(), status.st_size) &&
        copy_all(file, copy.get()) && drop(copy.get()) &&
        is_good(copy.get(), static_cast<size_t>(status.st_size)))
      return copy;
  }
  return {};
}

}  // namespace thaw::launch
