// Sockets in the network namespace of the app: unix_diag and default options must be asked for
// there.
#pragma once

#include <sys/types.h>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::fd {

/// A new socket in the network namespace of `pid`. Where that is not ours, the calling thread
/// visits it, which needs CAP_SYS_ADMIN.
Result<UniqueFd> socket_in_namespace(pid_t pid, int domain, int type, int protocol);

/// Whether both sockets live in one network namespace; true where the kernel (before 5.14) cannot
/// tell.
bool same_namespace(int a, int b);

}  // namespace thaw::fd
