// The kernel shows no process's list of undos, but it keeps the sum of them for a semaphore within
// [-32768, 32767] (SEMAEM), and answers ERANGE to an operation that would leave these bounds (do_semop
// of ipc/sem.c). So the process is made to call semop(2) with operations that bring a sum of zero to
// the very bound, and that fail as a whole all the same: all of a call is done or nothing of it.
#include "checkpoint/collect/undos.h"

#include <sys/sem.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "checkpoint/freeze/remote_syscalls.h"

namespace thaw::checkpoint {
namespace {

constexpr int kTopValue = 32767;        ///< SEMVMX
constexpr int kLowestUndo = -32768;     ///< -SEMAEM - 1
constexpr int kHighestUndo = 32767;     ///< SEMAEM
constexpr size_t kMostOperations = 32;  ///< what old kernels allow in one call

sembuf operation(uint32_t semaphore, int change, int flags = 0) {
  return {static_cast<unsigned short>(semaphore), static_cast<short>(change),
          static_cast<short>(IPC_NOWAIT | flags)};
}

/// Each step goes up first, which no other process's operation can make wait. The last two fail
/// whatever the value is: it is not zero after one more, or there is no more.
std::vector<sembuf> operations_to(int bound, uint32_t semaphore, int value) {
  std::vector<sembuf> all;
  const int step = kTopValue - value;
  for (int left = bound; left != 0 && step > 0 && all.size() + 4 <= kMostOperations;) {
    const int change = std::min(std::abs(left), step);
    // A sum of undos falls as the value rises.
    all.push_back(operation(semaphore, change, left < 0 ? SEM_UNDO : 0));
    all.push_back(operation(semaphore, -change, left < 0 ? 0 : SEM_UNDO));
    left += left < 0 ? change : -change;
    if (left == 0) {
      all.push_back(operation(semaphore, 1));
      all.push_back(operation(semaphore, 0));
      return all;
    }
  }
  return {};
}

/// Whether a sum of zero, and all on its other side, stays within the bound.
Result<bool> stays_within(RemoteSyscalls& remote, const proc::IpcObject& set, int bound,
                          uint32_t semaphore, int value) {
  const std::vector<sembuf> all = operations_to(bound, semaphore, value);
  if (all.empty()) return false;  // Too near the top: nobody can tell.
  static_assert(kMostOperations * sizeof(sembuf) <= RemoteSyscalls::kScratchSize);
  THAW_TRY(remote.write_scratch(all.data(), all.size() * sizeof(sembuf)));
  THAW_ASSIGN(result,
              remote.call(SYS_semop, static_cast<uint64_t>(set.id), remote.scratch(), all.size()));
  return result == -EAGAIN;
}

}  // namespace

Result<bool> has_undos(const ProcessCapture& process, const proc::IpcObject& set) {
  THAW_ASSIGN(remote, RemoteSyscalls::begin(process.pid, process.syscall_instruction,
                                            process.scratch, process.ptrace_options));
  for (uint32_t i = 0; i < set.count; ++i) {
    const int value = semctl(set.id, static_cast<int>(i), GETVAL);
    if (value < 0) return true;
    for (const int bound : {kLowestUndo, kHighestUndo}) {
      THAW_ASSIGN(within, stays_within(remote, set, bound, i, value));
      if (!within) return true;
    }
  }
  return false;
}

}  // namespace thaw::checkpoint
