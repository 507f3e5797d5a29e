// System V shared memory of the machine, as /proc/sysvipc/shm shows it (sysvipc(7), shmctl(2)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proc/vma.h"
#include "support/result.h"

namespace thaw::proc {

struct Segment {
  int key = 0, id = 0;
  uint32_t mode = 0;  ///< permission bits, SHM_DEST, SHM_LOCKED
  uint64_t size = 0;  ///< bytes
  pid_t maker = 0, last = 0;
  uint64_t mappings = 0;  ///< in all processes
  uid_t owner = 0, maker_user = 0;
  gid_t group = 0, maker_group = 0;
  int64_t made = 0;  ///< or changed by IPC_SET: seconds since 1970

  /// shmctl(IPC_RMID) was called: it goes with its last mapping, and has no key any more.
  [[nodiscard]] bool is_removed() const;
  /// "0x0052e2c1", as ipcs(1) shows the key; what policies call it.
  [[nodiscard]] std::string key_text() const;
};

/// Empty where the kernel has no System V IPC.
std::vector<Segment> read_segments();

/// Whether a mapping was made by shmat(2). Its inode is the segment's id.
inline bool is_of_segment(const Vma& vma) {
  return vma.path.starts_with("/SYSV");
}

}  // namespace thaw::proc
