// A Landlock domain (landlock(7)) shows nowhere, but it forbids a thread what another process with
// equal rights may do: to look at a process outside the domain.
#pragma once

#include <sys/types.h>

#include <optional>

#include "checkpoint/freeze/remote_syscalls.h"
#include "proc/bystander.h"

namespace thaw::checkpoint {

/// Asks the threads of one process: each may have confined itself.
class Landlock {
 public:
  explicit Landlock(pid_t pid);

  /// Refuses a thread (the one that `remote` speaks to) that has a domain and thaw has not.
  Result<void> check(pid_t tid, RemoteSyscalls& remote) const;

 private:
  pid_t pid_;
  std::optional<proc::Bystander> outside_;  ///< none: no thread can have a domain
};

}  // namespace thaw::checkpoint
