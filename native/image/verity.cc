#include "image/verity.h"

#include <linux/fs.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>

namespace thaw::image {

std::optional<VerityDigest> measure_verity(int fd) {
  VerityDigest digest = {};
  alignas(fsverity_digest) uint8_t measured[sizeof(fsverity_digest) + 64] = {};
  auto* head = reinterpret_cast<fsverity_digest*>(measured);
  head->digest_size = sizeof(measured) - sizeof(fsverity_digest);
  if (ioctl(fd, FS_IOC_MEASURE_VERITY, head) != 0 ||
      head->digest_algorithm != FS_VERITY_HASH_ALG_SHA256 || head->digest_size != digest.size())
    return std::nullopt;
  std::copy_n(measured + sizeof(fsverity_digest), digest.size(), digest.begin());
  return digest;
}

Result<bool> enable_verity(int fd) {
  struct stat status = {};
  if (fstat(fd, &status) != 0) return errno_error("cannot stat the image");
  fsverity_enable_arg how = {};
  how.version = 1;
  how.hash_algorithm = FS_VERITY_HASH_ALG_SHA256;
  how.block_size = 4096;
  // The kernel asks for the right to write, which an image gives to nobody.
  if (fchmod(fd, status.st_mode | S_IWUSR) != 0)
    return errno_error("cannot change the image's mode");
  const bool done = ioctl(fd, FS_IOC_ENABLE_VERITY, &how) == 0 || errno == EEXIST;
  const int problem = done ? 0 : errno;
  if (fchmod(fd, status.st_mode) != 0) return errno_error("cannot make the image read-only");
  if (done) return true;
  if (problem == ENOTTY || problem == EOPNOTSUPP || problem == EINVAL) return false;
  return Error{problem, "cannot enable fs-verity on the image"};
}

}  // namespace thaw::image
