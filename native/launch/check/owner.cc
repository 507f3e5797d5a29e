#include "launch/check/owner.h"

#include <sys/stat.h>
#include <unistd.h>

namespace thaw::launch {

Result<void> check_owner(int fd, const char* path) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) return errno_error(std::string("cannot stat ") + path);
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return Error{0,
                 std::string(path) + " belongs to user " + std::to_string(status.st_uid) +
                     ", who is neither root nor the caller",
                 "chown it"};
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return Error{0, std::string(path) + " can be written by others", "chmod go-w it"};
  return {};
}

}  // namespace thaw::launch
