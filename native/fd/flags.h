// What the O_* flags of an open file description say.
#pragma once

#include <fcntl.h>

#include <cstdint>

namespace thaw::fd {

/// O_* flags that open() takes again. The others act at creation only (O_CREAT, O_TRUNC, O_TMPFILE,
/// which has the bit of O_DIRECTORY) or are set by number and owner (O_CLOEXEC, O_ASYNC).
constexpr uint32_t kReopenFlags = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_DIRECT |
                                  O_NOATIME | O_NOFOLLOW | O_PATH;

inline int reopen_flags(uint32_t flags) {
  return static_cast<int>(flags & kReopenFlags) | O_CLOEXEC;
}
inline uint32_t access_mode(uint32_t flags) {
  return flags & O_ACCMODE;
}
inline bool readable(uint32_t flags) {
  return access_mode(flags) != O_WRONLY;
}
inline bool writable(uint32_t flags) {
  return access_mode(flags) != O_RDONLY;
}
/// Which end of a pipe or FIFO it is: 1 where it can only be written, else 0.
inline uint32_t pipe_side(uint32_t flags) {
  return access_mode(flags) == O_WRONLY ? 1 : 0;
}

}  // namespace thaw::fd
