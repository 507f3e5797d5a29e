#include "support/kernel.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>

namespace thaw {

Result<void> check_not_emulated() {
  // No process has the id 0: a kernel answers ESRCH.
  if (ptrace(PTRACE_CONT, 0, nullptr, nullptr) == 0 || errno != ENOSYS) return {};
  return Error{0, "this is QEMU user emulation, which has no ptrace",
               "use a guest (cross/guest.sh run) or the device itself"};
}

Result<void> check_memory_layout_call() {
  // A kernel that does not know it fails and writes no size (prctl(2), PR_SET_MM_MAP_SIZE).
  unsigned size = 0;
  prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0);
  if (size != 0) return {};
  return Error{0, "prctl(PR_SET_MM_MAP) is missing",
               "set CONFIG_CHECKPOINT_RESTORE=y in the device's kernel"};
}

}  // namespace thaw
