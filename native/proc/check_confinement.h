// What confines a process: ids, capabilities, namespaces, its root. A launch has of these what its
// caller gives it, so what the app did to itself must be refused: no launch may have more rights
// than the app that was checkpointed.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "support/result.h"

namespace thaw::proc {

/// `status`: its /proc/PID/status.
Result<void> check_confinement(pid_t pid, std::string_view status);

}  // namespace thaw::proc
