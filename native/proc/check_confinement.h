// What confines a process: ids, capabilities, namespaces, its root. A launch has of these what its
// caller gives it, so what the app did to itself must be refused: no launch may have more rights
// than the app that was checkpointed.
#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "support/result.h"

namespace thaw::proc {

/// All that must be refused; `status`: its /proc/PID/status. `is_root`: it is the first process of its app; others may
/// have given rights up (proc/credentials.h).
std::vector<Error> confinement_refusals(pid_t pid, std::string_view status, bool is_root);

}  // namespace thaw::proc
