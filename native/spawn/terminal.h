// A terminal for a child: a pseudo-terminal whose other end this process holds.
#pragma once

#include <sys/types.h>

#include <optional>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::spawn {

struct Terminal {
  UniqueFd master, slave;
};

/// Of 101 columns and 37 rows, as it is made; it belongs to `owner`, if there is one.
Result<Terminal> make_terminal(std::optional<uid_t> owner);

/// Writes what the child shows on it to `log`, in a thread of its own, until nobody has the slave open.
Result<void> copy_shown(UniqueFd master, int log);

}  // namespace thaw::spawn
