// Which kinds of membarrier(2) the process has registered for. V8, .NET, Go and liburcu register,
// and their barriers fail with EPERM in a process that has not.
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "checkpoint/collect/collect.h"
#include "checkpoint/freeze/remote_syscalls.h"
#include "image/validate.h"
#include "proc/refuse.h"
#include "support/young_kernels.h"

namespace thaw::checkpoint {
namespace {

/// A barrier that only registered processes may call, and the call that registers for it.
struct Kind {
  int barrier;
  uint32_t registration;
};
constexpr Kind kKinds[] = {
    {MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED},
    {MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE},
    {MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ},
};

/// Kernels before 6.3 do not tell: a barrier is tried for each kind, which the app does not notice.
/// Whether the process gets the barriers of others (global) cannot be tried; one that gets them
/// without having asked loses nothing but an interrupt now and then.
Result<uint32_t> try_each(RemoteSyscalls& remote) {
  uint32_t registered = 0;
  for (const Kind& kind : kKinds) {
    THAW_ASSIGN(result, remote.call(SYS_membarrier, static_cast<uint64_t>(kind.barrier)));
    if (result == 0) registered |= kind.registration;
  }
  return registered == 0 ? 0 : registered | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
}

}  // namespace

Result<void> collect_membarrier(ProcessCapture& process, RemoteSyscalls& remote) {
  THAW_ASSIGN(told, remote.call(SYS_membarrier, young::kMembarrierGetRegistrations));
  if (told >= 0) {
    if ((told & ~int64_t{image::kMembarrierRegistrations}) != 0)
      return proc::refuse(process.pid,
                          "has registered for a kind of membarrier(2) that thaw does not know (" +
                              std::to_string(told) + ")",
                          "let the app register after the checkpoint");
    process.record.membarrier = static_cast<uint32_t>(told);
    return {};
  }
  THAW_ASSIGN(registered, try_each(remote));
  process.record.membarrier = registered;
  return {};
}

}  // namespace thaw::checkpoint
