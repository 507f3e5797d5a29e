#include "checkpoint/freeze/app_call.h"

#include "proc/memory.h"

namespace thaw::checkpoint {

Result<void> answer_call(pid_t pid, uint64_t address, uint32_t state) {
  // No wake-up is needed: the thread was stopped by ptrace, and its futex call looks at the word
  // again.
  return proc::write_memory(pid, address, &state, sizeof(state));
}

}  // namespace thaw::checkpoint
