// A keeper: the process between us and a child, which ends the child with all that it has started
// as soon as we are gone, however we ended. What an app forks and leaves behind becomes the
// keeper's own child (PR_SET_CHILD_SUBREAPER), so nothing gets away from it. A parent-death signal
// would not do: it reaches the child alone, and would be part of its image.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "spawn/spawn.h"
#include "support/unique_fd.h"

namespace thaw::spawn {

/// Our end of one.
struct Keeper {
  pid_t pid = 0;
  UniqueFd control;  ///< closed: the keeper ends everything
  UniqueFd status;   ///< what has become of the child
  UniqueFd input;    ///< the other end of the child's standard input, if that is a pipe
};

/// As fork(2).
using Fork = pid_t (*)();

/// Forks a keeper, which forks a child by `fork_child` that calls `run`. `before` is called in the keeper first: it
/// closes what only we shall hold. Returns the child's pid.
Result<pid_t> fork_kept(Fork fork_child, const std::function<void()>& before,
                        const std::function<void()>& run);

/// The keeper of `child`; null if it has none.
std::shared_ptr<Keeper> keeper_of(pid_t child);

/// Blocks until the child has ended.
Result<Exit> wait_kept(Keeper& keeper);

}  // namespace thaw::spawn
