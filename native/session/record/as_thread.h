// Doing something with the rights of another process's thread.
#pragma once

#include <sys/types.h>

#include <functional>

#include "support/result.h"

namespace thaw::session {

/// With its effective user, group and supplementary groups, where they are not this process's own:
/// what a server is told of who connects to it (SO_PEERCRED).
Result<void> as_thread(pid_t tid, const std::function<Result<void>()>& work);

}  // namespace thaw::session
