#include "launch/check/owner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace thaw::launch {

namespace {

/// In a user namespace, owners who have no number there all show as one (overflowuid), which may be
/// the caller's own (nobody). Only the real owner may set this flag (F_SETFL in fcntl(2)).
bool is_own(int fd) {
  return fcntl(fd, F_SETFL, O_NOATIME) == 0;
}

}  // namespace

Result<void> check_owner(int fd, const char* path) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) return errno_error(std::string("cannot stat ") + path);
  if (status.st_uid != 0 && (status.st_uid != geteuid() || !is_own(fd)))
    return Error{0,
                 std::string(path) + " belongs to user " + std::to_string(status.st_uid) +
                     ", who is neither root nor, as the kernel sees it, the caller",
                 "chown it"};
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return Error{0, std::string(path) + " can be written by others", "chmod go-w it"};
  return {};
}

}  // namespace thaw::launch
