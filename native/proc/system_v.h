// System V IPC of the machine, as /proc/sysvipc shows it (sysvipc(7), shmctl(2), semctl(2), msgctl(2)).
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

enum class IpcKind : uint8_t { sem, msg };

/// A set of semaphores or a queue of messages.
struct IpcObject {
  IpcKind kind = IpcKind::sem;
  int key = 0, id = 0;
  uint32_t mode = 0;   ///< permission bits
  uint32_t count = 0;  ///< of semaphores, or of messages that wait
  uid_t owner = 0, maker_user = 0;
  gid_t group = 0, maker_group = 0;
  int64_t used = 0;  ///< semop(2) or msgsnd(2): seconds since 1970, 0: never
  pid_t last_sender = 0, last_receiver = 0;  ///< of messages

  [[nodiscard]] std::string key_text() const;
  /// "System V semaphores (key 0x0052e2c1, id 5)"
  [[nodiscard]] std::string name() const;
  /// Whether the process was the last to use it, or one of its semaphores: more the kernel does not
  /// tell.
  [[nodiscard]] bool was_last_used_by(pid_t pid) const;
};

/// Sets, then queues. Empty where the kernel has no System V IPC.
std::vector<IpcObject> read_ipc_objects();

/// Whether the process has a list of semaphore operations that the kernel undoes at its end
/// (SEM_UNDO), which may be empty: whoever has made a thread has one. True where nobody can tell.
bool may_have_undos(pid_t pid);

/// Whether a mapping was made by shmat(2). Its inode is the segment's id.
inline bool is_of_segment(const Vma& vma) {
  return vma.path.starts_with("/SYSV");
}

}  // namespace thaw::proc
