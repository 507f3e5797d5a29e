// What exec hands over of a process and what its program can change: compared, it tells what an app
// has set for itself.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <array>
#include <string>

#include "support/result.h"

namespace thaw::proc {

struct Limit {
  uint64_t soft = 0, hard = 0;
  bool operator==(const Limit&) const = default;
};

struct Given {
  std::string status;            ///< /proc/PID/status: umask, groups, capabilities
  std::array<Limit, 16> limits;  ///< by RLIMIT_* number
  int nice = 0;
  int io_priority = 0;    ///< as io_priority() below
  int oom_score_adj = 0;  ///< /proc/PID/oom_score_adj
  cpu_set_t cpus = {};
  bool new_user = false;  ///< the process changes its user before it executes the program
};

/// What ioprio_set(2) has set for a thread; 0: nothing, so that the nice value decides.
int io_priority(pid_t tid);
/// As they are now.
Result<Given> read_given(pid_t pid);
/// What this process was given: Node raises its soft limit of open files at its start.
Result<Given> read_own_given();

}  // namespace thaw::proc
