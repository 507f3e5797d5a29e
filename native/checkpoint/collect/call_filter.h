// What a filter of system calls (seccomp(2)) says of a call of which only a part is known.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>

namespace thaw::checkpoint {

/// Whether the program lets the call through, whatever its arguments are and wherever it is made.
/// False also where that takes too long to find out.
bool always_allows(std::span<const sock_filter> program, long number);

/// Whether the program may ask a supervisor (SECCOMP_RET_USER_NOTIF).
bool may_notify(std::span<const sock_filter> program);

}  // namespace thaw::checkpoint
