#include "restorer/seccomp.h"

#include <asm/unistd.h>
#include <linux/seccomp.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"

namespace thaw::restorer {
namespace {

constexpr int kExitNotPossible = 125;  ///< as thaw-exec's own

/// struct sock_fprog.
struct Program {
  unsigned short length;
  const char* instructions;
};
constexpr uint64_t kInstruction = 8;

/// Never without: an app that is less confined than it was is worse than one that does not start.
/// It is too late for a cold start, which would have less than its caller gave.
[[noreturn]] void give_up(const Handover& handover, long result) {
  warn(handover, result, "cannot put the app's filter of system calls back");
  for (;;) raw::call(__NR_exit_group, kExitNotPossible);
}

}  // namespace

void restore_filters(const Handover& handover) {
  const model::Process& process = *handover.process;
  const long all_threads = process.threads.count > 1 ? SECCOMP_FILTER_FLAG_TSYNC : 0;
  for (uint32_t i = 0; i < process.seccomp_filters.count; ++i) {
    const model::SeccompFilter& filter = handover.seccomp_filters[i];
    const Program program = {static_cast<unsigned short>(filter.program.size / kInstruction),
                             handover.blobs + filter.program.offset};
    const long result =
        raw::call(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
                  static_cast<long>(filter.flags) | all_threads, reinterpret_cast<long>(&program));
    if (result != 0) give_up(handover, result < 0 ? result : -1);
  }
}

}  // namespace thaw::restorer
