// File locks (POSIX, of open file descriptions, flock, leases): the kernel ties them to the process
// that is gone at a launch. A launch can take them anew (policy `relock`).
#pragma once

#include <string_view>

#include "fd/kind.h"

namespace thaw::fd {

// ---- at checkpoint

/// Refuses a descriptor that holds one. `actions` are what a policy can do.
Result<void> refuse_locks(const Probe&, policy::Type,
                          const policy::Actions& actions = policy::kCloseOrIgnore);

/// The locks that the descriptor holds, as take_locks() reads them; refuses those that no launch can
/// take.
Result<std::string> collect_locks(const Probe&);

// ---- at launch

/// Takes them, or says that another process holds one. `fd` must be at its final number: POSIX locks
/// end when any descriptor of the file is closed.
Result<void> take_locks(int fd, std::string_view locks, std::string_view path);

/// Whether take_locks() can read them.
bool valid_locks(std::string_view locks);

}  // namespace thaw::fd
