// fs-verity (Documentation/filesystems/fsverity.rst of the kernel): a file that has it can never be
// written again, and a page of it that does not match its digest is an I/O error.
#pragma once

#include <array>
#include <optional>

#include "support/result.h"

namespace thaw::image {

/// SHA-256.
using VerityDigest = std::array<uint8_t, 32>;

/// The digest of `fd` that the kernel compares with; nothing if it does not (ENODATA, ENOTTY,
/// EOPNOTSUPP), or has another kind of digest.
std::optional<VerityDigest> measure_verity(int fd);

/// Has the kernel watch the file `fd`, which is open for reading and which nobody may have open for
/// writing. It reads all of it. False where the file system cannot do that.
Result<bool> enable_verity(int fd);

}  // namespace thaw::image
