// Time namespaces (time_namespaces(7)).
#pragma once

#include <cstdint>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw {

/// What the clocks of a time namespace shall show now, in nanoseconds.
struct Clocks {
  int64_t monotonic, boottime;
};

/// Enters a new time namespace with such clocks; the process must have one thread. `before` becomes
/// the old one; it stays invalid if there can be no new one, for lack of privileges or in the
/// kernel. After an error in between, leave_time_namespace goes back.
Result<void> enter_time_namespace(const Clocks& wanted, UniqueFd& before);

/// Goes back to `before`, where one was left.
void leave_time_namespace(const UniqueFd& before);

}  // namespace thaw
