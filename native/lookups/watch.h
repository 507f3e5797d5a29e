// Which variables of its environment an app looks up while it warms up (docs/environment.md).
//
// Before the app's first own code runs, libc's functions of the environment are replaced by the
// shim's (shim/blob/lookups.cc), which write down the names. Whoever reads the environment's strings
// without them (CPython, the JVM, a shell) is given away by the page tables: the strings lie in a
// mapping of their own, which nobody has touched as long as none of its pages is present.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "support/file.h"
#include "support/result.h"

namespace thaw::lookups {

/// For any tracer that follows a child from its exec through its first system calls.
class Installation {
 public:
  /// At the stop of an exec.
  void executed(pid_t child);
  /// At the begin and the end of a system call: true once the program's own code runs, which a
  /// tracer must not follow for this.
  [[nodiscard]] bool is_over(pid_t child) const;
  /// At the end of a system call: puts the shim's functions in place if libc is there. True if
  /// nothing is left to be done. The child's ptrace options are lost then.
  [[nodiscard]] bool attempt(pid_t child) const;

 private:
  uint64_t first_stack_ = 0;
  AddressRange loader_;  ///< its code: all system calls are its own until libc is there
};

/// Called while the child has not executed its program yet; then it is this thread's tracee.
Result<void> begin_watch(pid_t child);

/// Follows the child through its exec until libc is there, puts the shim's functions in the place of
/// libc's, and lets the app run on alone. Does nothing to a child that is no tracee; where something
/// is unknown (no dynamic program, another libc), nothing is watched and all variables are inputs.
void install_watch(pid_t child);

}  // namespace thaw::lookups
