// Descriptors made at a launch: by name, again, or as a copy, and what is set on them.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::fd {

/// Opens `path`; never hangs on a FIFO that took the file's place.
Result<UniqueFd> open_path(std::string_view path, int flags, mode_t mode = 0);

/// A new open file description of what `fd` refers to.
Result<UniqueFd> open_again(int fd, int flags);

/// Another descriptor of the same open file description.
Result<UniqueFd> duplicate(int fd);

/// Sets the flags that F_SETFL can change to what they were in the app.
Result<void> set_status_flags(int fd, uint32_t flags);

Result<void> set_position(int fd, uint64_t position);

}  // namespace thaw::fd
