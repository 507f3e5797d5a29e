#include "restorer/signals.h"

#include <asm/unistd.h>
#include <linux/signal.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"
#include "restorer/members.h"
#include "restorer/tree.h"

namespace thaw::restorer {
namespace {

constexpr int kSignals = 64;
constexpr long kSetSize = 8;  ///< bytes of the kernel's sigset_t

struct KernelSigaction {
  unsigned long handler, flags, restorer;
  unsigned long mask[8 / sizeof(unsigned long)];
};

const auto kIgnore = reinterpret_cast<unsigned long>(SIG_IGN);

uint64_t bit(int signal) {
  return signal >= 1 && signal <= kSignals ? uint64_t{1} << (signal - 1) : 0;
}

int number_of(const model::PendingSignal& signal) {
  return *reinterpret_cast<const int*>(signal.siginfo);
}

long set_action(int signal, const KernelSigaction& action, KernelSigaction* old) {
  return raw::call(__NR_rt_sigaction, signal, reinterpret_cast<long>(&action),
                   reinterpret_cast<long>(old), kSetSize);
}

/// As it is queued: it comes from a process of this launch.
model::PendingSignal from_sender(const Handover& handover, const model::PendingSignal& signal) {
  constexpr unsigned kSender = sizeof(long) == 8 ? 16 : 12;  // si_pid of siginfo_t.
  model::PendingSignal queued = signal;
  if (signal.sender == model::kNone) return queued;
  const uint32_t pid = handover.tree != nullptr ? handover.tree->pid(signal.sender)
                                                : static_cast<uint32_t>(raw::call(__NR_getpid));
  __builtin_memcpy(queued.siginfo + kSender, &pid, sizeof(pid));
  return queued;
}

/// Signals that wait already are the caller's, and stay.
void note_queued(Handover& handover, const model::Range& signals, uint64_t callers) {
  for (uint32_t i = 0; i < signals.count; ++i)
    handover.cold.callers.queued_signals |=
        bit(number_of(handover.pending[signals.first + i])) & ~callers;
}

}  // namespace

uint64_t pending_signals() {
  uint64_t pending = 0;
  raw::call(__NR_rt_sigpending, reinterpret_cast<long>(&pending), kSetSize);
  return pending;
}

bool hears_of_stops() {
  KernelSigaction action = {};
  raw::call(__NR_rt_sigaction, SIGCHLD, 0, reinterpret_cast<long>(&action), kSetSize);
  return action.handler != kIgnore && (action.flags & SA_NOCLDSTOP) == 0;
}

void stop_by(int signal) {
  KernelSigaction usual = {}, action = {};
  const uint64_t others = ~bit(signal), all = ~uint64_t{0};
  set_action(signal, usual, &action);
  raw::call(__NR_kill, raw::call(__NR_getpid), signal);
  raw::call(__NR_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&others), 0, kSetSize);
  raw::call(__NR_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&all), 0, kSetSize);
  set_action(signal, action, nullptr);
}

void replace_signal_actions(Handover& handover) {
  CallersState& callers = handover.cold.callers;
  for (uint32_t i = 0; i < handover.process->sigactions.count; ++i) {
    const model::SigAction& from = handover.sigactions[i];
    const int signal = static_cast<int>(from.signal);
    KernelSigaction action = {}, old = {};
    action.handler = static_cast<unsigned long>(from.handler);
    action.flags = from.flags;
    action.restorer = static_cast<unsigned long>(from.restorer);
    action.mask[0] = static_cast<unsigned long>(from.mask);
    if constexpr (sizeof(unsigned long) == 4)
      action.mask[8 / sizeof(unsigned long) - 1] = static_cast<unsigned long>(from.mask >> 32);
    check(handover, set_action(signal, action, &old), "cannot set a signal's action");
    callers.replaced_actions |= bit(signal);
    if (old.handler == kIgnore || (signal == SIGCHLD && caller_ignores_ends(handover)))
      callers.ignored_signals |= bit(signal);
  }
  restore_child_signal(handover);
}

long queue_thread_signals(const Handover& handover, const model::Thread& thread) {
  if (thread.pending.count == 0) return 0;
  const long pid = raw::call(__NR_getpid), tid = raw::call(__NR_gettid);
  for (uint32_t i = 0; i < thread.pending.count; ++i) {
    const model::PendingSignal signal =
        from_sender(handover, handover.pending[thread.pending.first + i]);
    const long result = raw::call(__NR_rt_tgsigqueueinfo, pid, tid, number_of(signal),
                                  reinterpret_cast<long>(signal.siginfo));
    if (result < 0) return result;
  }
  return 0;
}

void queue_signals(Handover& handover) {
  constexpr const char* kProblem = "cannot queue a pending signal (ulimit -i)";
  const model::Range& process = handover.process->pending;
  const model::Thread& leader = handover.threads[0];
  if (process.count == 0 && leader.pending.count == 0) return;
  const uint64_t callers = pending_signals();
  note_queued(handover, process, callers);
  note_queued(handover, leader.pending, callers);
  check(handover, queue_thread_signals(handover, leader), kProblem);
  const long pid = raw::call(__NR_getpid);
  for (uint32_t i = 0; i < process.count; ++i) {
    const model::PendingSignal signal = from_sender(handover, handover.pending[process.first + i]);
    check(handover,
          raw::call(__NR_rt_sigqueueinfo, pid, number_of(signal),
                    reinterpret_cast<long>(signal.siginfo)),
          kProblem);
  }
}

void queue_signal(Handover& handover, int signal) {
  model::PendingSignal record;
  struct {
    int number, error, code;
  } info = {signal, 0, SI_KERNEL};
  __builtin_memcpy(record.siginfo, &info, sizeof(info));
  handover.cold.callers.queued_signals |= bit(signal) & ~pending_signals();
  check(handover,
        raw::call(__NR_rt_sigqueueinfo, raw::call(__NR_getpid), signal,
                  reinterpret_cast<long>(record.siginfo)),
        "cannot queue a signal");
}

void put_back_signals(const CallersState& callers) {
  for (int signal = 1; signal <= kSignals; ++signal) {
    if ((callers.replaced_actions & bit(signal)) == 0) continue;
    KernelSigaction action = {};
    if ((callers.ignored_signals & bit(signal)) != 0) action.handler = kIgnore;
    set_action(signal, action, nullptr);
  }
  if (callers.queued_signals == 0) return;
  const long now[4] = {};  // A time of nothing, however wide its fields are.
  while (raw::call(__NR_rt_sigtimedwait, reinterpret_cast<long>(&callers.queued_signals), 0,
                   reinterpret_cast<long>(now), kSetSize) > 0) {
  }
}

}  // namespace thaw::restorer
