#include "restorer/process.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/personality.h>
#include <linux/prctl.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"
#include "restorer/threads.h"
#include "restorer/timers.h"
#include "support/app_call.h"

namespace thaw::restorer {
namespace {

struct KernelSigaction {
  unsigned long handler, flags, restorer;
  unsigned long mask[8 / sizeof(unsigned long)];
};

long prctl(long option, long a, long b = 0, long c = 0) {
  return raw::call(__NR_prctl, option, a, b, c, 0);
}

/// brk, arguments, environment, auxv and the exe link, in one step (PR_SET_MM_MAP).
long set_memory_layout(const Handover& handover, int exe_fd, uint64_t auxv_size) {
  const model::Process& process = *handover.process;
  const model::MemoryLayout& from = process.layout;
  prctl_mm_map map = {};
  map.start_code = from.start_code;
  map.end_code = from.end_code;
  map.start_data = from.start_data;
  map.end_data = from.end_data;
  map.start_brk = from.start_brk;
  map.brk = from.brk;
  map.start_stack = from.start_stack;
  map.arg_start = from.arg_start;
  map.arg_end = from.arg_end;
  map.env_start = from.env_start;
  map.env_end = from.env_end;
  map.auxv = reinterpret_cast<__u64*>(const_cast<char*>(handover.blobs) + process.auxv.offset);
  map.auxv_size = static_cast<__u32>(auxv_size);
  map.exe_fd = static_cast<__u32>(exe_fd);
  return prctl(PR_SET_MM, PR_SET_MM_MAP, reinterpret_cast<long>(&map), sizeof(map));
}

void restore_layout(Handover& handover) {
  constexpr long kTooLong = -EINVAL;
  constexpr uint64_t kEntry = 2 * sizeof(long), kMostLeftOut = 8 * kEntry;
  const uint64_t size = handover.process->auxv.size;
  long result = kTooLong;
  // A kernel that is older than the image's keeps fewer entries (AT_VECTOR_SIZE of 32-bit ARM: 20
  // in 6.1, 22 in 6.12); /proc/PID/auxv then ends earlier.
  for (uint64_t out = 0; result == kTooLong && out <= kMostLeftOut && out <= size; out += kEntry) {
    // Changing the exe link needs privilege. Where that is lacking, all the rest is still set.
    if (handover.exe_fd >= 0 && set_memory_layout(handover, handover.exe_fd, size - out) == 0)
      return;
    result = set_memory_layout(handover, -1, size - out);
  }
  check(handover, result, "cannot set the memory layout (CONFIG_CHECKPOINT_RESTORE?)");
}

void restore_core_dumps(const Handover& handover) {
  // Pages that are still the image's count as a file's (bit 2), but they are the app's own memory
  // (bit 0), so who wants that in a dump gets them, too.
  uint32_t filter = handover.process->coredump_filter;
  if ((filter & 1) != 0) filter |= 4;
  const long fd = raw::call(__NR_openat, AT_FDCWD,
                            reinterpret_cast<long>("/proc/self/coredump_filter"), O_WRONLY, 0);
  if (fd < 0) return;
  char text[12] = "0x";
  for (int i = 0; i < 8; ++i) text[2 + i] = "0123456789abcdef"[filter >> (28 - 4 * i) & 0xf];
  raw::call(__NR_write, fd, reinterpret_cast<long>(text), 10);
  raw::call(__NR_close, fd);
}

void restore_signal_actions(const Handover& handover) {
  for (uint32_t i = 0; i < handover.process->sigactions.count; ++i) {
    const model::SigAction& from = handover.sigactions[i];
    KernelSigaction action = {};
    action.handler = static_cast<unsigned long>(from.handler);
    action.flags = from.flags;
    action.restorer = static_cast<unsigned long>(from.restorer);
    action.mask[0] = static_cast<unsigned long>(from.mask);
    if constexpr (sizeof(unsigned long) == 4)
      action.mask[8 / sizeof(unsigned long) - 1] = static_cast<unsigned long>(from.mask >> 32);
    raw::call(__NR_rt_sigaction, from.signal, reinterpret_cast<long>(&action), 0, 8);
  }
}

void queue_process_signals(const Handover& handover) {
  const long pid = raw::call(__NR_getpid);
  for (uint32_t i = 0; i < handover.process->pending.count; ++i) {
    const model::PendingSignal& signal = handover.pending[handover.process->pending.first + i];
    raw::call(__NR_rt_sigqueueinfo, pid, *reinterpret_cast<const int*>(signal.siginfo),
              reinterpret_cast<long>(signal.siginfo));
  }
}

void restore_flags(const Handover& handover) {
  const model::Process& process = *handover.process;
  if ((process.flags & model::kChildSubreaper) != 0) prctl(PR_SET_CHILD_SUBREAPER, 1);
  if ((process.flags & model::kThpDisable) != 0) prctl(PR_SET_THP_DISABLE, 1);
  if ((process.flags & model::kNoNewPrivileges) != 0) prctl(PR_SET_NO_NEW_PRIVS, 1);
  if ((process.flags & model::kDumpable) == 0) prctl(PR_SET_DUMPABLE, 0);
  if (process.mce_kill != PR_MCE_KILL_DEFAULT)
    prctl(PR_MCE_KILL, PR_MCE_KILL_SET, process.mce_kill);
  // READ_IMPLIES_EXEC would make later maps executable that the app did not ask for.
  constexpr uint32_t kLeftOut = READ_IMPLIES_EXEC;
  raw::call(__NR_personality, static_cast<long>(process.personality & ~kLeftOut));
}

/// Descriptors whose signals go to one thread (F_SETOWN_EX): its id is known only now.
void restore_owners(const Handover& handover) {
  for (uint32_t i = 0; i < handover.owner_count; ++i) {
    const uint64_t word = handover.threads[handover.owners[i].thread].tid_word;
    if (word == 0) continue;
    struct {
      int type, pid;
    } owner = {F_OWNER_TID, *reinterpret_cast<int*>(static_cast<uintptr_t>(word))};
#ifdef __NR_fcntl64
    raw::call(__NR_fcntl64, handover.owners[i].number, F_SETOWN_EX, reinterpret_cast<long>(&owner));
#else
    raw::call(__NR_fcntl, handover.owners[i].number, F_SETOWN_EX, reinterpret_cast<long>(&owner));
#endif
  }
}

/// What the app may ask for of the launch's caller. The image holds the state already.
void deliver(const Handover& handover) {
  if (handover.call_address == 0) return;
  auto* call = reinterpret_cast<volatile thaw_call*>(static_cast<uintptr_t>(handover.call_address));
  call->arguments = handover.arguments;
  call->arguments_size = handover.arguments_size;
  call->environment = handover.environment;
  call->environment_size = handover.environment_size;
  if (call->limit != 0) call->limit = limit_hooks(call->limit);
}

}  // namespace

void restore_membarrier(Handover& handover) {
  for (uint32_t left = handover.process->membarrier; left != 0; left &= left - 1)
    check(handover, raw::call(__NR_membarrier, static_cast<long>(left & -left), 0, 0),
          "cannot register for membarrier(2)");
}

void restore_process(Handover& handover) {
  const model::Process& process = *handover.process;
  if ((process.flags & model::kCwdMoved) != 0)
    check(handover,
          raw::call(__NR_chdir, reinterpret_cast<long>(handover.blobs + process.cwd.offset)),
          "cannot enter the app's working directory");
  restore_layout(handover);
  check(handover, raw::set_tls(handover.threads[0].tls), "cannot set the thread pointer");
  raw::call(__NR_set_tid_address, static_cast<long>(handover.threads[0].clear_child_tid));
  check(handover, set_up_thread(handover, 0), "cannot set up the main thread");
  create_timers(handover);
  restore_owners(handover);

  // Committed: nothing below can fail in a way that the app would notice.
  for (uint32_t i = 0; i < handover.close_count; ++i)
    raw::call(__NR_close_range, handover.close[i].first, handover.close[i].last, 0);
  deliver(handover);
  restore_core_dumps(handover);
  restore_signal_actions(handover);
  restore_flags(handover);
  start_timers(handover);
  queue_process_signals(handover);
}

}  // namespace thaw::restorer
