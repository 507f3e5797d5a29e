// One descriptor of the frozen process, as it is known before any kind looks at it.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

#include "image/model.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::fd {

struct Probe {
  pid_t pid = 0;
  int number = 0;                  ///< -1: only a message in a queue has it
  std::span<const pid_t> members;  ///< the processes of its app, the root first
  /// readlink /proc/PID/fd/N ("pipe:[123]", "/etc/passwd", "anon_inode:[eventfd]")
  std::string link;
  std::string fdinfo;       ///< /proc/PID/fdinfo/N
  struct stat status = {};  ///< of what it refers to
  UniqueFd copy;            ///< the same open file description in this process (pidfd_getfd)
  int flags = 0;            ///< F_GETFL
  off_t position = 0;
  bool close_on_exec = false;
  model::Index open_file = model::kNone;  ///< set before collect: index of its OpenFile record
};

inline uint32_t probe_flags(const Probe& probe) {
  return static_cast<uint32_t>(probe.flags);
}

/// Identifies what has a name on a file system or lives in shared memory: inode numbers alone may
/// be the same on two devices.
inline uint64_t object_id(dev_t dev, ino_t ino) {
  return static_cast<uint64_t>(ino) ^ (static_cast<uint64_t>(dev) << 44);
}

/// Whether the id is of that inode, on whatever device.
inline bool same_inode(uint64_t id, ino_t ino) {
  return ((id ^ static_cast<uint64_t>(ino)) << 20) == 0;
}

/// "descriptor 7 (/var/log/app.log)": how every message names a descriptor.
std::string describe(const Probe&);

/// The refusal of a descriptor: what it is, why, and what to set or change.
Error refuse(const Probe&, std::string_view why, std::string_view remedy);

/// A POSIX message queue, which looks like a regular file.
bool is_message_queue(const Probe&);

/// The value of `key` ("flags", "pos", "eventfd-count") in fdinfo, as it stands there; empty
/// without one.
std::string_view fdinfo_value(const Probe&, std::string_view key);

/// fdinfo as it is now, where the probe's may be old.
std::string fresh_fdinfo(const Probe&);

/// The value that follows `key` in a line of "key:value" pairs, up to a blank.
std::string_view line_field(std::string_view line, std::string_view key);

}  // namespace thaw::fd
