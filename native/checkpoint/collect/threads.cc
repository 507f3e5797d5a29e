// Threads: registers, signal state, what libc registered with the kernel, scheduling.
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "checkpoint/collect/collect.h"
#include "checkpoint/collect/landlock.h"
#include "checkpoint/collect/syscall_restart.h"
#include "checkpoint/freeze/remote_syscalls.h"
#include "proc/memory.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

struct RseqConfiguration {
  uint64_t pointer;
  uint32_t size, signature, flags, padding;
};

/// The kernel's struct robust_list_head and struct rseq_cs, in the app's word size.
struct RobustListHead {
  unsigned long next;
  long futex_offset;
  unsigned long pending;
};
struct RseqCriticalSection {
  uint32_t version, flags;
  uint64_t start_ip, post_commit_offset, abort_ip;
};

Result<void> collect_mask(pid_t tid, SignalState& state) {
  if (ptrace(PTRACE_GETSIGMASK, tid, sizeof(state.blocked), &state.blocked) != 0)
    return errno_error("cannot read the signal mask of thread " + std::to_string(tid));
  return {};
}

Result<void> collect_alternate_stack(RemoteSyscalls& remote, SignalState& state) {
  THAW_ASSIGN(result, remote.call(SYS_sigaltstack, 0, remote.scratch()));
  if (result != 0) return Error{static_cast<int>(-result), "cannot read an alternate signal stack"};
  THAW_ASSIGN(stack, remote.read_scratch<stack_t>());
  state.stack_address = reinterpret_cast<uintptr_t>(stack.ss_sp);
  state.stack_size = stack.ss_size;
  // ONSTACK is the kernel's answer, never its input.
  state.stack_flags = stack.ss_flags & ~SS_ONSTACK;
  return {};
}

Result<void> collect_tid_address(RemoteSyscalls& remote, pid_t tid, model::Thread& thread) {
  THAW_ASSIGN(result, remote.call(SYS_prctl, PR_GET_TID_ADDRESS, remote.scratch()));
  if (result != 0)
    return Error{
        static_cast<int>(-result),
        "thread " + std::to_string(tid) + " has a clear_child_tid that this kernel does not show",
        "the kernel needs CONFIG_CHECKPOINT_RESTORE"};
  THAW_ASSIGN(address, remote.read_scratch<unsigned long>());
  thread.clear_child_tid = address;
  return {};
}

/// glibc and bionic keep the thread's id where clear_child_tid points; musl keeps it in the
/// thread's control block.
void find_tid_word(pid_t tid, model::Thread& thread) {
  uint32_t word = 0;
  if (thread.clear_child_tid != 0 &&
      proc::read_memory(tid, thread.clear_child_tid, &word, sizeof(word)).ok() &&
      word == static_cast<uint32_t>(tid)) {
    thread.tid_word = thread.clear_child_tid;
    thread.flags |= model::kTidWord;
    return;
  }
  // x86 and musl put the block behind the TLS pointer, ARM before it.
  constexpr uint64_t kReach = 512;
  uint32_t words[2 * kReach / 4] = {};
  const uint64_t start = (thread.tls[0] & ~uint64_t{3}) - kReach;
  if (thread.tls[0] == 0) return;
  for (const uint64_t half : {uint64_t{0}, kReach})
    (void)!proc::read_memory(tid, start + half, words + half / 4, kReach).ok();
  uint64_t found = 0;
  for (size_t i = 0; i < std::size(words); ++i) {
    if (words[i] != static_cast<uint32_t>(tid)) continue;
    if (found != 0) return;  // Ambiguous: better none than a wrong one.
    found = start + 4 * i;
  }
  if (found == 0) return;
  thread.tid_word = found;
  thread.flags |= model::kTidWord;
}

void collect_rseq(pid_t tid, model::Thread& thread, arch::Registers& registers) {
  RseqConfiguration configuration = {};
  if (ptrace(static_cast<__ptrace_request>(PTRACE_GET_RSEQ_CONFIGURATION), tid,
             sizeof(configuration), &configuration) <= 0)
    return;
  thread.rseq_address = configuration.pointer;
  thread.rseq_size = configuration.size;
  thread.rseq_signature = configuration.signature;

  // A thread stopped within a critical section must take its abort path: the CPU is another one
  // after restore.
  uint64_t section_address = 0;
  RseqCriticalSection section = {};
  if (configuration.pointer == 0 ||
      !proc::read_memory(tid, configuration.pointer + 8, &section_address,
                         sizeof(section_address)) ||
      section_address == 0 || !proc::read_memory(tid, section_address, &section, sizeof(section)))
    return;
  const uint64_t pc = arch::program_counter(registers);
  if (pc - section.start_ip < section.post_commit_offset)
    arch::set_program_counter(registers, section.abort_ip);
}

Result<void> collect_robust_list(Capture& capture, pid_t tid, model::Thread& thread) {
  void* head = nullptr;
  size_t size = 0;
  if (syscall(SYS_get_robust_list, tid, &head, &size) != 0)
    return errno_error("cannot read the robust list of thread " + std::to_string(tid));
  thread.robust_list = reinterpret_cast<uintptr_t>(head);
  thread.robust_list_size = size;
  thread.robust_words.first = static_cast<model::Index>(capture.image.robust_words.size());
  RobustListHead list = {};
  if (head == nullptr || !proc::read_memory(tid, thread.robust_list, &list, sizeof(list)))
    return {};

  auto add_lock = [&](unsigned long entry) {
    const uint64_t address = (entry & ~1ul) + static_cast<unsigned long>(list.futex_offset);
    uint32_t word = 0;
    if (!proc::read_memory(tid, address, &word, sizeof(word)) ||
        (word & FUTEX_TID_MASK) != static_cast<uint32_t>(tid))
      return;
    capture.image.robust_words.push_back({address});
    ++thread.robust_words.count;
  };
  constexpr int kMostLocks = 4096;  // A list under change may be a ring that misses its head.
  unsigned long entry = list.next;
  for (int i = 0; i < kMostLocks && (entry & ~1ul) != thread.robust_list; ++i) {
    add_lock(entry);
    if (!proc::read_memory(tid, entry & ~1ul, &entry, sizeof(entry))) break;
  }
  if (list.pending != 0) add_lock(list.pending);
  return {};
}

void collect_scheduling(Capture& capture, pid_t tid, pid_t root, model::Thread& thread) {
  thread.policy = static_cast<uint32_t>(std::max(0, sched_getscheduler(tid)) & 0xffff);
  sched_param parameter = {};
  if (sched_getparam(tid, &parameter) == 0)
    thread.priority = static_cast<uint32_t>(parameter.sched_priority);
  thread.sched_flags = (sched_getscheduler(tid) & SCHED_RESET_ON_FORK) != 0 ? 1 : 0;
  const std::optional<proc::Given>& given = capture.request.given;
  const int reference_nice =
      given ? given->nice : getpriority(PRIO_PROCESS, static_cast<id_t>(root));
  thread.nice = getpriority(PRIO_PROCESS, static_cast<id_t>(tid)) - reference_nice;
  const int io_priority = proc::io_priority(tid);
  if (io_priority != (given ? given->io_priority : proc::io_priority(root))) {
    thread.flags |= model::kOwnIoPriority;
    thread.io_priority = static_cast<uint32_t>(io_priority);
  }

  // The app gets the caller's CPUs, like everything that a process keeps across exec; only a thread
  // that chose others than it was given (where that is not known: than the leader has) keeps them.
  cpu_set_t reference = {}, own = {};
  sched_getaffinity(root, sizeof(reference), &reference);
  if (given) reference = given->cpus;
  sched_getaffinity(tid, sizeof(own), &own);
  if (!CPU_EQUAL(&reference, &own))
    thread.affinity = capture.image.blob({reinterpret_cast<const char*>(&own), sizeof(own)});
}

Result<void> collect_prctls(RemoteSyscalls& remote, model::Thread& thread) {
  THAW_ASSIGN(slack, remote.call(SYS_prctl, PR_GET_TIMERSLACK));
  thread.timer_slack_ns = slack > 0 ? static_cast<uint64_t>(slack) : 0;
  THAW_ASSIGN(result, remote.call(SYS_prctl, PR_GET_PDEATHSIG, remote.scratch()));
  if (result != 0) return {};
  THAW_ASSIGN(signal, remote.read_scratch<int>());
  thread.parent_death_signal = static_cast<uint32_t>(signal);
  return {};
}

Result<model::Range> collect_pending(Capture& capture, ProcessCapture& process, pid_t tid,
                                     uint32_t flags) {
  model::Range range = {static_cast<model::Index>(capture.image.pending_signals.size()), 0};
  for (uint64_t index = 0;;) {
    model::PendingSignal pending;
    static_assert(sizeof(pending.siginfo) == sizeof(siginfo_t));
    __ptrace_peeksiginfo_args arguments = {index, flags, 1};
    const long count = ptrace(PTRACE_PEEKSIGINFO, tid, &arguments, pending.siginfo);
    if (count < 0)
      return errno_error("cannot read the pending signals of thread " + std::to_string(tid));
    if (count == 0) return range;
    siginfo_t info = {};
    memcpy(&info, pending.siginfo, sizeof(info));
    ++index;
    // The timer sends this signal again: if it were queued as well, it would come twice.
    if (info.si_code == SI_TIMER) {
      process.expired_timers.push_back(info.si_timerid);
      continue;
    }
    const bool has_sender = info.si_code == SI_USER || info.si_code == SI_QUEUE ||
                            info.si_code == SI_TKILL ||
                            (info.si_signo == SIGCHLD && info.si_code > 0 && info.si_code < 0x80);
    if (has_sender) pending.sender = capture.process(info.si_pid);
    capture.image.pending_signals.push_back(pending);
    ++range.count;
  }
}

/// The word for which the thread waits by futex(2); 0: it does not.
uint64_t awaited_word(pid_t tid, const arch::Registers& registers) {
  constexpr uint64_t kLockPi2 = 13;  // FUTEX_LOCK_PI2, since Linux 5.14.
  const arch::Interrupted call = arch::interrupted_syscall(tid, registers);
  bool futex = call.number == SYS_futex;
#ifdef SYS_futex_time64
  futex = futex || call.number == SYS_futex_time64;
#endif
  if (!call.in_syscall || !futex) return 0;
  const uint64_t operation = call.arguments[1] & static_cast<uint64_t>(FUTEX_CMD_MASK) & 0xffff;
  const bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET ||
                     operation == FUTEX_LOCK_PI || operation == kLockPi2;
  return waits ? call.arguments[0] : 0;
}

Result<model::Thread> collect_thread(Capture& capture, ProcessCapture& process,
                                     const Landlock& landlock, ThreadCapture& captured) {
  const pid_t tid = captured.tid;
  model::Thread thread;
  thread.tid = static_cast<uint32_t>(tid);
  THAW_ASSIGN(comm, read_file("/proc/" + std::to_string(tid) + "/comm"));
  strncpy(thread.comm, std::string(trim(comm)).c_str(), sizeof(thread.comm) - 1);

  THAW_ASSIGN(registers, arch::read_registers(tid));
  memcpy(thread.tls, registers.tls, sizeof(thread.tls));
  THAW_TRY(collect_mask(tid, captured.signals));
  THAW_ASSIGN(pending, collect_pending(capture, process, tid, 0));
  thread.pending = pending;
  {
    THAW_ASSIGN(remote, RemoteSyscalls::begin(tid, process.syscall_instruction, process.scratch,
                                              process.ptrace_options));
    THAW_TRY(collect_alternate_stack(remote, captured.signals));
    THAW_TRY(collect_tid_address(remote, tid, thread));
    THAW_TRY(collect_prctls(remote, thread));
    THAW_TRY(check_settings(process, remote, true));
    THAW_TRY(check_io_flusher(process, static_cast<pid_t>(tid)));
    THAW_TRY(collect_securebits(capture, process, tid, remote));
    THAW_TRY(landlock.check(tid, remote));
  }
  find_tid_word(tid, thread);
  captured.waits_for = awaited_word(tid, registers);
  const auto& held = capture.request.held;
  if (held && held->tid == tid) {
    THAW_TRY(stand_before(*held, registers));
    captured.signals.blocked = held->blocked;
  } else {
    captured.ends_by_handlers = make_restartable(tid, registers);
  }
  collect_rseq(tid, thread, registers);
  THAW_TRY(arch::collect_thread_extras(tid, capture.request.guards_off, thread));
  THAW_TRY(collect_robust_list(capture, tid, thread));
  collect_scheduling(capture, tid, capture.root().pid, thread);
  captured.registers = std::move(registers);
  return thread;
}

}  // namespace

Result<void> collect_threads(Capture& capture, ProcessCapture& process) {
  process.record.threads = {static_cast<model::Index>(capture.image.threads.size()),
                            static_cast<uint32_t>(process.threads.size())};
  const Landlock landlock(process.pid);
  for (ThreadCapture& captured : process.threads) {
    THAW_ASSIGN(thread, collect_thread(capture, process, landlock, captured));
    capture.image.threads.push_back(thread);
  }
  THAW_ASSIGN(shared, collect_pending(capture, process, process.pid, PTRACE_PEEKSIGINFO_SHARED));
  process.record.pending = shared;
  return {};
}

}  // namespace thaw::checkpoint
