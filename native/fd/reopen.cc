#include "fd/reopen.h"

#include <fcntl.h>

#include <charconv>
#include <cstring>
#include <string>

namespace thaw::fd {

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
  // The link is there to be followed, whatever the app said of the name that it had opened.
  UniqueFd again(::open(path, (flags & ~O_NOFOLLOW) | O_CLOEXEC));
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

}  // namespace thaw::fd
