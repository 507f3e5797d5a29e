#include "restorer/process.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/resource.h>

#include "arch/call_numbers.h"
#include "arch/this_cpu.h"
#include "restorer/callers_state.h"
#include "restorer/cold_start.h"
#include "restorer/credentials.h"
#include "restorer/ids.h"
#include "restorer/own_settings.h"
#include "restorer/signals.h"
#include "restorer/terminal.h"
#include "restorer/threads.h"
#include "restorer/timers.h"
#include "restorer/tree.h"
#include "support/app_call.h"
#include "support/young_kernels.h"

namespace thaw::restorer {
namespace {

constexpr const char* kNoExecGain = "cannot refuse memory that becomes executable (PR_SET_MDWE)";

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
  const bool delivered = handover.environ_address != 0;
  map.env_start = delivered ? handover.environment : from.env_start;
  map.env_end = delivered ? handover.environment + handover.environment_size : from.env_end;
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

/// An attribute that prctl(2) sets by value; `callers` is what it answered for the caller's.
void replace(Handover& handover, long set, long wanted, long callers, const char* what) {
  if (wanted == callers) return;
  check(handover, callers, what);
  note_undo(handover, __NR_prctl, set, callers);
  check(handover, prctl(set, wanted), what);
}

/// The value that prctl(2) writes to its argument.
long written_by(long get) {
  int value = 0;
  const long result = prctl(get, reinterpret_cast<long>(&value));
  return result < 0 ? result : value;
}

/// Bit 1 of what the kernel answers (6.18) is the flag that sets it.
void replace_huge_pages_rule(Handover& handover) {
  constexpr const char* kProblem = "cannot do without huge pages";
  const bool except_advised = (handover.process->flags & model::kThpExceptAdvised) != 0;
  const long callers = prctl(PR_GET_THP_DISABLE, 0);
  check(handover, callers, kProblem);
  const long flags = except_advised ? young::kThpDisableExceptAdvised : 0;
  if (callers == (1 | flags)) return;
  note_undo(handover, __NR_prctl, PR_SET_THP_DISABLE, callers & 1, callers & ~1L);
  check(handover, prctl(PR_SET_THP_DISABLE, 1, flags), kProblem);
}

void replace_flags(Handover& handover) {
  const model::Process& process = *handover.process;
  if ((process.flags & model::kChildSubreaper) != 0)
    replace(handover, PR_SET_CHILD_SUBREAPER, 1, written_by(PR_GET_CHILD_SUBREAPER),
            "cannot become a subreaper");
  if ((process.flags & model::kThpDisable) != 0) replace_huge_pages_rule(handover);
  if ((process.flags & model::kMemoryMerge) != 0)
    replace(handover, young::kPrSetMemoryMerge, 1, prctl(young::kPrGetMemoryMerge, 0),
            "cannot have equal pages merged");
  // What would fail last, when the app was already said to be ready.
  if ((process.flags & model::kMdwe) != 0)
    check(handover, prctl(young::kPrGetMdwe, 0), kNoExecGain);
  if (process.mce_kill != PR_MCE_KILL_DEFAULT) {
    constexpr const char* kProblem = "cannot set what a broken page does";
    const long callers = prctl(PR_MCE_KILL_GET, 0);
    check(handover, callers, kProblem);
    note_undo(handover, __NR_prctl, PR_MCE_KILL, PR_MCE_KILL_SET, callers);
    check(handover, prctl(PR_MCE_KILL, PR_MCE_KILL_SET, process.mce_kill), kProblem);
  }
  // READ_IMPLIES_EXEC would make later maps executable that the app did not ask for.
  constexpr uint32_t kLeftOut = READ_IMPLIES_EXEC;
  const auto persona = static_cast<long>(process.personality & ~kLeftOut);
  const long callers = raw::call(__NR_personality, persona);
  check(handover, callers, "cannot set the personality");
  if (callers != persona) note_undo(handover, __NR_personality, callers);
}

/// What only exec's caller and the app itself set of the leader; other threads end in a cold start.
void replace_leaders_state(Handover& handover) {
  const model::Thread& leader = handover.threads[0];
  if (leader.timer_slack_ns != 0)
    replace(handover, PR_SET_TIMERSLACK, static_cast<long>(leader.timer_slack_ns),
            prctl(PR_GET_TIMERSLACK, 0), "cannot set the timer slack");
  // With a kept pid, the leader's parent stands for it and takes it along (keep_pid.cc), but where a
  // namespace ends with that. Until the commit, so does a tree's.
  const bool bound =
      handover.keep_pid != 0 && (handover.process->flags & model::kPidNamespace) == 0;
  if (leader.parent_death_signal != 0 && !bound && !is_member(handover))
    replace(handover, PR_SET_PDEATHSIG, static_cast<long>(leader.parent_death_signal),
            written_by(PR_GET_PDEATHSIG), "cannot set the parent death signal");
}

void replace_working_directory(Handover& handover) {
  const model::Process& process = *handover.process;
  if ((process.flags & model::kCwdMoved) == 0) return;
  check(handover,
        raw::call(__NR_chdir, reinterpret_cast<long>(handover.blobs + process.cwd.offset)),
        "cannot enter the app's working directory");
  note_undo(handover, __NR_fchdir, handover.cold.cwd);
}

/// By numbers below the limit, where a filter of system calls knows no close_range(2).
void close_range(const FdRange& range) {
  if (raw::call(__NR_close_range, range.first, range.last, 0) == 0) return;
  struct {
    uint64_t soft, hard;
  } limit = {};
  raw::call(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, reinterpret_cast<long>(&limit));
  for (uint64_t fd = range.first; fd <= range.last && fd < limit.soft; ++fd)
    raw::call(__NR_close, static_cast<long>(fd));
}

/// Of mappings to come; exec begins without.
void restore_locking(Handover& handover) {
  const uint32_t flags = handover.process->flags;
  if ((flags & model::kLockFuture) == 0) return;
  const long how = MCL_FUTURE | ((flags & model::kLockFutureOnFault) != 0 ? MCL_ONFAULT : 0);
  check(handover, raw::call(__NR_mlockall, how), "cannot have future mappings locked");
}

void refuse_exec_gain(Handover& handover) {
  const uint32_t flags = handover.process->flags;
  if ((flags & model::kMdwe) == 0) return;
  const int more = (flags & model::kMdweNoInherit) != 0 ? young::kPrMdweNoInherit : 0;
  // Other bits may be the caller's already, which exec would have passed on.
  if (prctl(young::kPrGetMdwe, 0) > 0) return;
  check(handover, prctl(young::kPrSetMdwe, young::kPrMdweRefuseExecGain | more), kNoExecGain);
}

/// Without Yama the kernel takes no such call, and needs none.
void restore_tracer(const Handover& handover) {
  const uint32_t flags = handover.process->flags;
  if ((flags & model::kOwnTracer) == 0) return;
  const long tracer = (flags & model::kTracedByAny) != 0   ? static_cast<long>(PR_SET_PTRACER_ANY)
                      : (flags & model::kTracedByOwn) != 0 ? raw::call(__NR_getpid)
                                                           : 0;
  prctl(PR_SET_PTRACER, tracer);
}

/// Whom descriptors signal (F_SETOWN_EX): the ids are known only now.
void restore_owners(Handover& handover) {
  constexpr const char* kProblem = "cannot set the owner of a descriptor";
  for (uint32_t i = 0; i < handover.owner_count; ++i) {
    const FdOwner& from = handover.owners[i];
    const uint32_t id = from.thread == model::kNone ? from.id : id_of_thread(handover, from.thread);
    struct {
      int type, pid;
    } owner = {from.type, static_cast<int>(id)};
    check(handover,
          raw::call(arch::kFcntl, from.number, F_SETOWN_EX, reinterpret_cast<long>(&owner)),
          kProblem);
    if (from.signal != 0)
      check(handover, raw::call(arch::kFcntl, from.number, F_SETSIG, from.signal), kProblem);
  }
}

/// A member has no cold start of its own, and ends where something fails: before the commit, it has what it would not
/// be allowed any more, and then no more rights than it had.
void settle_rights(Handover& handover) {
  restore_oom_score(handover);
  set_scheduling(handover, 0);
  enter_root(handover);
  check(handover, take_credentials(handover),
        "cannot take the credentials that a process of the app had");
  bind_to_parent(handover);
}

/// Whoever has the same user could look into it: not before all is closed that is not the app's.
void restore_dumping(const Handover& handover) {
  if (handover.credentials != nullptr && (handover.process->flags & model::kDumpable) != 0)
    prctl(PR_SET_DUMPABLE, 1);
}

/// Nothing undoes these: the last that can fail comes first.
void renounce(Handover& handover) {
  const uint32_t flags = handover.process->flags;
  if ((flags & model::kDumpable) == 0)
    check(handover, prctl(PR_SET_DUMPABLE, 0), "cannot forbid core dumps");
  refuse_exec_gain(handover);
  if ((flags & model::kNoNewPrivileges) != 0)
    check(handover, prctl(PR_SET_NO_NEW_PRIVS, 1), "cannot give up new privileges");
}

/// The caller's environment, and what the app may ask for of the launch's caller. The image holds
/// the state already.
void deliver(const Handover& handover) {
  if (handover.environ_address != 0)
    *reinterpret_cast<volatile uintptr_t*>(static_cast<uintptr_t>(handover.environ_address)) =
        static_cast<uintptr_t>(handover.environ_array);
  if (handover.call_address == 0) return;
  auto* call = reinterpret_cast<volatile thaw_call*>(static_cast<uintptr_t>(handover.call_address));
  call->arguments = handover.arguments;
  call->arguments_size = handover.arguments_size;
  call->environment = handover.environment;
  call->environment_size = handover.environment_size;
  LateColdStart& cold = late_cold_start(handover);
  cold.pid = static_cast<uint64_t>(raw::call(__NR_getpid));
  tell_members(handover, reinterpret_cast<uint32_t*>(static_cast<uintptr_t>(cold.members)));
  if (call->limit != 0) call->limit = limit_hooks(call->limit);
}

/// For the app, whose warm-up has said it. The kernel adds this process's id.
void say_ready(Handover& handover) {
  constexpr char kReady[] = "READY=1";
  if (handover.ready_fd < 0) return;
  check(
      handover,
      raw::call(__NR_write, handover.ready_fd, reinterpret_cast<long>(kReady), sizeof(kReady) - 1),
      "cannot tell $NOTIFY_SOCKET that the app is ready");
}

}  // namespace

void listen_for_app(Handover& handover) {
  for (uint32_t i = 0; i < handover.listener_count; ++i) {
    const Listener& listener = handover.listeners[i];
    check(handover, raw::call(__NR_listen, listener.fd, static_cast<long>(listener.backlog)),
          "cannot listen, where another has the port by now");
  }
}

void restore_membarrier(Handover& handover) {
  for (uint32_t left = handover.process->membarrier; left != 0; left &= left - 1)
    check(handover, raw::call(__NR_membarrier, static_cast<long>(left & -left), 0, 0),
          "cannot register for membarrier(2)");
}

void restore_process(Handover& handover) {
  const bool member = is_member(handover);
  // What exec undoes by itself.
  restore_layout(handover);
  check(handover, raw::set_tls(handover.threads[0].tls), "cannot set the thread pointer");
  raw::call(__NR_set_tid_address, static_cast<long>(handover.threads[0].clear_child_tid));
  check(handover, register_thread(handover, 0), "cannot set up the main thread");
  restore_locking(handover);
  create_timers(handover);
  arm_timers(handover);
  deliver(handover);

  // What exec would keep. A cold start gets the caller's back.
  replace_working_directory(handover);
  replace_leaders_state(handover);
  replace_coredump_filter(handover);
  replace_flags(handover);
  replace_signal_actions(handover);
  replace_interval_timers(handover);
  queue_signals(handover);
  replace_terminal_mode(handover);
  give_foreground(handover);
  if (!member) replace_descriptor_flags(handover);
  replace_umask(handover);
  expect_limits(handover);

  // What nothing undoes. Of a tree, the root comes last, and commits for all.
  if (member) settle_rights(handover);
  restore_owners(handover);  // With the rights of who has set them.
  if (member) renounce(handover);
  if (!member)
    check(handover, take_credentials(handover),
          "cannot give up the capabilities of a user namespace");
  await_commit(handover);
  if (!member) {
    say_ready(handover);
    renounce(handover);
  }
  commit_tree(handover);
  // A cold start could not take that back from who has it open as well.
  if (member) replace_descriptor_flags(handover);
  write_pid_files(handover);
  for (uint32_t i = 0; i < handover.close_count; ++i) close_range(handover.close[i]);
  if (!member) restore_oom_score(handover);
  restore_limits(handover);
  restore_dumping(handover);
  restore_tracer(handover);
  if (!member) set_scheduling(handover, 0);
}

}  // namespace thaw::restorer
