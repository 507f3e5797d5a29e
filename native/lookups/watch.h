// Which variables of its environment an app looks up while it warms up (docs/environment.md).
//
// Before the app's first own code runs, libc's functions of the environment are replaced by the
// shim's (shim/blob/lookups.cc), which write down the names. Whoever reads the environment's strings
// without them (CPython, the JVM, a shell) is given away by the page tables: the strings lie in a
// mapping of their own, which nobody has touched as long as none of its pages is present.
#pragma once

#include <sys/types.h>

#include "support/result.h"

namespace thaw::lookups {

/// Called while the child has not executed its program yet; then it is this thread's tracee.
Result<void> begin_watch(pid_t child);

/// Follows the child through its exec until libc is there, puts the shim's functions in the place of
/// libc's, and lets the app run on alone. Does nothing to a child that is no tracee; where something
/// is unknown (no dynamic program, another libc), nothing is watched and all variables are inputs.
void install_watch(pid_t child);

}  // namespace thaw::lookups
