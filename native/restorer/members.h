// What both halves of a launch, thaw-exec and the restorer, do with the processes of a tree.
#pragma once

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <signal.h>
#include <sys/wait.h>
#else
#include <linux/signal.h>
#include <linux/wait.h>
#endif

#include "arch/this_cpu.h"
#include "image/model.h"
#include "restorer/coredump_filter.h"

namespace thaw::restorer {

/// Each process counts itself at these points; at kStopped, a parent counts each child that stands still.
enum Stage : uint32_t { kBorn, kReady, kCommit, kSettled, kStopped, kStages };

/// Memory that all processes of a tree share.
struct Meeting {
  /// Futex words: how many have come so far, and whether one of them cannot go on.
  uint32_t arrived[kStages];
  /// As the image's table of threads; 0: not there yet. `count` of them follow.
  uint32_t ids[1];

  static constexpr uint32_t kFailed = 1u << 31;
  /// At kCommit alone: the root was first to decide, and who fails afterwards has died for itself.
  static constexpr uint32_t kDecided = 1u << 30;
};

/// The processes of a launch, as one of them sees them.
struct Tree {
  Meeting* meeting = nullptr;
  const model::Process* processes = nullptr;
  uint32_t count = 0;
  uint32_t living = 0;        ///< without zombies
  uint32_t stopped = 0;       ///< of the living, those that are stopped
  uint32_t self = 0;          ///< 0: the root, which the caller has become
  uint32_t ignores_ends = 0;  ///< 1: the caller ignores SIGCHLD
  int32_t subreaper = -1;     ///< the root's PR_GET_CHILD_SUBREAPER, -1: not changed
  int32_t terminal =
      -1;  ///< the controlling terminal whose foreground group the image has, -1: none
  uint64_t callers_signals = 0;  ///< those that waited for the root before
  CoredumpFilter
      callers_coredump_filter;  ///< the root has replaced it for all before it forked; else each process does

  [[nodiscard]] bool is_zombie(uint32_t index) const {
    return processes[index].state == model::ProcessState::zombie;
  }
  [[nodiscard]] bool is_stopped(uint32_t index) const {
    return processes[index].state == model::ProcessState::stopped;
  }
  /// Process id; 0: it is not there yet.
  [[nodiscard]] uint32_t pid(uint32_t index) const {
    return __atomic_load_n(&meeting->ids[processes[index].threads.first], __ATOMIC_ACQUIRE);
  }
};

constexpr uint64_t signal_bit(uint32_t signal) {
  return signal >= 1 && signal <= 64 ? uint64_t{1} << (signal - 1) : 0;
}

/// Takes away what waits for this process of `signals`. 0 or a negative errno.
inline long drop_signals(uint64_t signals) {
  constexpr long kSetSize = 8;
  const long now[4] = {};  // A time of nothing, however wide its fields are.
  long result = signals == 0 ? -EAGAIN : 0;
  while (result >= 0)
    result = raw::call(__NR_rt_sigtimedwait, reinterpret_cast<long>(&signals), 0,
                       reinterpret_cast<long>(now), kSetSize);
  return result == -EAGAIN ? 0 : result;
}

constexpr long kWaitForAny = 0x40000000;  ///< __WALL: whatever they signal at their end

/// Looks at what a child has done (`options`: of waitid(2)); it can still be waited for.
inline long wait_id(uint32_t pid, int (&information)[32], long options) {
  return raw::call(__NR_waitid, P_PID, static_cast<long>(pid), reinterpret_cast<long>(information),
                   options | WNOWAIT | kWaitForAny, 0);
}

/// Whether there is such a child, ended or not; also where nobody can tell.
inline bool is_child(long pid) {
  int information[32] = {};  // siginfo_t
  long result = 0;
  do result = wait_id(static_cast<uint32_t>(pid), information, WEXITED | WNOHANG);
  while (result == -EINTR);
  return result != -ECHILD;
}

inline bool has_ended(uint32_t pid) {
  int information[32] = {};  // siginfo_t, whose first number is 0 as long as there is nothing.
  const long result = wait_id(pid, information, WEXITED | WNOHANG);
  return result < 0 || information[0] != 0;
}

/// How long somebody waits before it looks what has become of its children.
constexpr long kPatienceNs = 20'000'000;

/// Somebody outside has killed it.
inline bool has_lost_child(const Tree& tree) {
  for (uint32_t i = tree.self + 1; i < tree.count; ++i)
    if (tree.processes[i].parent == tree.self && !tree.is_zombie(i) && has_ended(tree.pid(i)))
      return true;
  return false;
}

/// Its parent was killed, or has given up.
inline bool is_orphan(const Tree& tree) {
  return tree.self != 0 &&
         raw::call(__NR_getppid) != static_cast<long>(tree.pid(tree.processes[tree.self].parent));
}

/// All others learn that one cannot go on, those that wait as well.
inline void tell_of_failure(const Tree& tree) {
  for (uint32_t& word : tree.meeting->arrived) {
    __atomic_fetch_or(&word, Meeting::kFailed, __ATOMIC_ACQ_REL);
    raw::call(__NR_futex, reinterpret_cast<long>(&word), FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
  }
}

inline long ignore_ends() {
  struct {
    void (*handler)(int);
    unsigned long flags, restorer, mask[2];
  } action = {SIG_IGN, 0, 0, {}};
  return raw::call(__NR_rt_sigaction, SIGCHLD, reinterpret_cast<long>(&action), 0, 8);
}

/// A child that the caller had before the launch, and that has ended; 0: none. Children are looked
/// through in the order of their birth, those of the app last (do_wait_thread() in kernel/exit.c).
inline uint32_t ended_elder(const Tree& tree, int (&information)[32]) {
  constexpr int kPid = sizeof(long) == 8 ? 4 : 3;  // Of siginfo_t.
  constexpr long kOptions = WEXITED | WNOHANG | WNOWAIT;
  information[kPid] = 0;
  raw::call(__NR_waitid, P_ALL, 0, reinterpret_cast<long>(information), kOptions, 0);
  const auto pid = static_cast<uint32_t>(information[kPid]);
  for (uint32_t i = 1; i < tree.count; ++i)
    if (tree.pid(i) == pid) return 0;
  return pid;
}

/// Of the children that the caller had before, whose ends a launch must not hide: with the signals of
/// the app's own, theirs may have been dropped. Where the caller ignores ends, nothing is left of them.
inline void settle_elders(const Tree& tree) {
  int information[32] = {};
  if (tree.self != 0) return;
  for (uint32_t pid; (pid = ended_elder(tree, information)) != 0;) {
    if (tree.ignores_ends == 0) {
      raw::call(__NR_rt_sigqueueinfo, raw::call(__NR_getpid), SIGCHLD,
                reinterpret_cast<long>(information));
      return;
    }
    if (raw::call(__NR_wait4, static_cast<long>(pid), 0, 0, 0) < 0) return;
  }
}

/// The root ends all members and waits for each: when it returns, none of them is left, and the
/// caller's state is what it was. Parents come first: who has ended makes no more children.
inline void end_members(const Tree& tree) {
  tell_of_failure(tree);
  uint64_t signals = 0;
  for (uint32_t i = 1; i < tree.count; ++i) {
    const long pid = tree.pid(i);
    if (pid <= 1 || pid > 0x7fffffff) continue;  // Not there; and never a signal to all processes.
    signals |= signal_bit(tree.processes[i].exit_signal) | signal_bit(SIGCHLD);
    // Where ends are ignored, it may have gone by itself, and its id may be another's.
    if (is_child(pid)) raw::call(__NR_kill, pid, SIGKILL);
    while (raw::call(__NR_wait4, pid, 0, kWaitForAny, 0) == -EINTR) {
    }
  }
  drop_signals(signals & ~tree.callers_signals);
  if (tree.subreaper >= 0) raw::call(__NR_prctl, PR_SET_CHILD_SUBREAPER, tree.subreaper, 0, 0, 0);
  if (tree.ignores_ends != 0) ignore_ends();
  settle_elders(tree);
}

}  // namespace thaw::restorer
