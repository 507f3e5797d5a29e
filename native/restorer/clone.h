// clone3(2) as the restorer uses it.
#pragma once

#include <linux/sched.h>
#include <stdint.h>

namespace thaw::restorer {

/// struct clone_args of <linux/sched.h> as far as set_tid (Linux 5.5).
struct CloneArguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size;
};

/// What makes a thread of the calling process.
constexpr uint64_t kThreadFlags =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

}  // namespace thaw::restorer
