#include "checkpoint/freeze/injectable.h"

#include <linux/prctl.h>
#include <sys/ptrace.h>

#include "proc/refuse.h"
#include "support/young_kernels.h"

namespace thaw::checkpoint {
namespace {

/// struct ptrace_sud_config of <linux/ptrace.h>.
struct DispatchConfiguration {
  uint64_t mode, selector, offset, length;
};

}  // namespace

Result<void> check_injectable(const Freeze& freeze) {
  for (const pid_t tid : freeze.tids()) {
    DispatchConfiguration configuration = {};
    // Fails where the kernel or the CPU does not have it.
    if (ptrace(static_cast<__ptrace_request>(young::kGetSyscallUserDispatch), tid,
               sizeof(configuration), &configuration) != 0 ||
        configuration.mode == PR_SYS_DISPATCH_OFF)
      continue;
    return proc::refuse(freeze.pid(),
                        "has a thread (" + std::to_string(tid) +
                            ") that takes its own system calls (Syscall User Dispatch), which a "
                            "launch would not have",
                        "let the app switch it on after the checkpoint");
  }
  return {};
}

}  // namespace thaw::checkpoint
