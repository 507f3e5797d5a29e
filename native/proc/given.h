// What exec hands over of a process and what its program can change: compared, it tells what an app
// has set for itself.
#pragma once

#include <sched.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::proc {

struct Limit {
  uint64_t soft = 0, hard = 0;
  bool operator==(const Limit&) const = default;
};

/// One of the descriptors 0, 1 and 2. What is at its number later may be a file that the app has put there.
struct GivenFile {
  struct stat status = {};
  int access = 0;  ///< O_RDONLY, O_WRONLY or O_RDWR
  /// A copy of it; none of a terminal or pipe, whose other end would not hear that the app has closed its own.
  std::shared_ptr<const UniqueFd> copy;
};
using GivenFiles = std::array<GivenFile, 3>;

struct Given {
  std::string status;            ///< /proc/PID/status: umask, groups, capabilities
  std::array<Limit, 16> limits;  ///< by RLIMIT_* number
  int nice = 0;
  int io_priority = 0;    ///< as io_priority() below
  int oom_score_adj = 0;  ///< /proc/PID/oom_score_adj
  cpu_set_t cpus = {};
  bool new_user = false;  ///< the process changes its user before it executes the program
  std::optional<GivenFiles> stdio;
};

/// What ioprio_set(2) has set for a thread; 0: nothing, so that the nice value decides.
int io_priority(pid_t tid);
/// As they are now.
Result<Given> read_given(pid_t pid);
/// Of the descriptors that a process gets as its 0, 1 and 2; nothing if one of them is not open.
std::optional<GivenFiles> given_files(std::span<const int, 3> descriptors);
/// What this process was given: Node raises its soft limit of open files at its start.
Result<Given> read_own_given();

}  // namespace thaw::proc
