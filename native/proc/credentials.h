// The credentials of a process (credentials(7), capabilities(7)), and what a launch could give to a member of a tree.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"

namespace thaw::proc {

struct Credentials {
  std::array<uint32_t, 4> users = {}, groups = {};  ///< real, effective, saved, of the file system
  std::vector<uint32_t> supplementary;
  uint64_t permitted = 0, effective = 0, inheritable = 0, ambient = 0, bounding = 0;
  std::string root;  ///< its root directory, as this process sees it
  bool operator==(const Credentials&) const = default;
};

/// Those of the main thread, as /proc tells them now.
Result<Credentials> read_credentials(pid_t pid);

/// A launch makes each member from its first process: refuses credentials of member `pid` that a process with
/// `roots` could not take, since they are above its own or beside them.
Result<void> check_given_up(pid_t pid, const Credentials& own, const Credentials& roots);

}  // namespace thaw::proc
