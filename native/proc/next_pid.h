// Which pid the next process gets: in memory, one that no other number is likely to equal can be told.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "support/unique_fd.h"

namespace thaw::proc {

/// kernel.pid_max; 0: unknown.
uint32_t pid_limit();

/// A random pid of the upper half, which is_telling_id() tells where the limit is large; 0: there is none to be had.
pid_t unlikely_pid(uint32_t pid_limit);

/// Whether NextPid can have processes get pids that can be told: it has the privileges that it needs, and this kernel such pids.
bool can_choose_pids();

/// While it lives, kernel.pid_max is as large as it can be, for one process of thaw's at a time. A pid
/// that is given out meanwhile stays good when the limit is lower again.
class RaisedPidLimit {
 public:
  RaisedPidLimit();
  RaisedPidLimit(const RaisedPidLimit&) = delete;
  RaisedPidLimit& operator=(const RaisedPidLimit&) = delete;
  ~RaisedPidLimit();
  /// In a child, whose parent lowers it again.
  void leave() { before_.clear(); }

 private:
  [[nodiscard]] bool lock() const;
  [[nodiscard]] bool set(std::string_view text) const;

  UniqueFd file_;
  std::string before_;  ///< empty: it is as it was
};

/// While it lives, the next process that anybody makes gets an unlikely pid, where privileges allow
/// (CAP_CHECKPOINT_RESTORE).
class NextPid {
 public:
  NextPid();
  NextPid(const NextPid&) = delete;
  NextPid& operator=(const NextPid&) = delete;
  ~NextPid();

 private:
  RaisedPidLimit limit_;
  UniqueFd last_;
  std::string before_;  ///< what the kernel would have gone on from
};

}  // namespace thaw::proc
