#include "restorer/helpers.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/wait.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"

namespace thaw::restorer {
namespace {

/// Exit status 1: it has found a change, of which one of them has told.
constexpr int kTold = 1 << 8;

}  // namespace

int wait_for_helpers(Handover& handover) {
  int first = 0;
  for (; handover.cold.helper_count > 0; --handover.cold.helper_count) {
    // Where nothing can be known of it, it counts as ended by a signal.
    int status = 1;
    const int32_t helper = handover.cold.helpers[handover.cold.helper_count - 1];
    while (raw::call(__NR_wait4, helper, reinterpret_cast<long>(&status), __WCLONE, 0) == -EINTR) {
    }
    if (first == 0) first = status;
  }
  return first;
}

void settle_inputs(Handover& handover) {
  const int status = wait_for_helpers(handover);
  if (status == kTold) start_cold(handover);
  check(handover, status == 0 ? 0 : -ECANCELED, "a process that compares the inputs was ended");
}

}  // namespace thaw::restorer
