#include "restorer/stops.h"

#include <asm/unistd.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"
#include "restorer/meeting.h"
#include "restorer/signals.h"

namespace thaw::restorer {
namespace {

constexpr long kLongNs = 999'999'999;

long signal_self(int signal) {
  return raw::call(__NR_kill, raw::call(__NR_getpid), signal);
}

bool is_child(const Tree& tree, uint32_t index) {
  return tree.processes[index].parent == tree.self;
}

bool is_to_go_on(const Tree& tree, uint32_t index) {
  return tree.processes[index].state == model::ProcessState::runs &&
         tree.processes[index].exit_status == model::kContinued;
}

void continue_child(Handover& handover, uint32_t pid) {
  constexpr const char* kProblem = "cannot stop and continue a process";
  ChildState state;
  check(handover, await_child(pid, WSTOPPED | WEXITED, state), kProblem);
  if (state.code() != CLD_STOPPED) return;  // It has ended, which whoever waits for all will see.
  check(handover, raw::call(__NR_kill, static_cast<long>(pid), SIGCONT), kProblem);
}

/// The stop of a child has sent SIGCHLD, or will in a moment, but where the app wants none of that
/// (do_notify_parent_cldstop() of the kernel). One that waited before stays.
void take_child_signal(uint64_t waiting) {
  if (!hears_of_stops()) return;
  const uint64_t set = signal_bit(SIGCHLD);
  const auto take = [&set](int* information, long nanoseconds) {
    const long time[4] = {0, nanoseconds, 0, 0};
    return raw::call(__NR_rt_sigtimedwait, reinterpret_cast<long>(&set),
                     reinterpret_cast<long>(information), reinterpret_cast<long>(time), 8);
  };
  int kept[32] = {};  // siginfo_t
  const bool waited = (waiting & set) != 0 && take(kept, 0) == SIGCHLD;
  // Where one waited, the other may have come in vain already.
  take(nullptr, waited ? kPatienceNs : kLongNs);
  if (waited)
    raw::call(__NR_rt_sigqueueinfo, raw::call(__NR_getpid), SIGCHLD, reinterpret_cast<long>(kept));
}

void see_stop(const Tree& tree, uint32_t index, uint64_t waiting) {
  const auto pid = static_cast<long>(tree.pid(index));
  ChildState state;
  const long result = await_child(tree.pid(index), WSTOPPED | WCONTINUED | WEXITED, state);
  if (result == 0 && state.code() == CLD_STOPPED) {
    take_child_signal(waiting);
    // It has heard of it before the checkpoint.
    if (tree.processes[index].exit_status == 0)
      raw::call(__NR_waitid, P_PID, pid, reinterpret_cast<long>(state.information),
                WSTOPPED | WNOHANG | kWaitForAny, 0);
  }
  arrive(tree, kStopped, 0);  // All of them look whose turn it is.
}

/// One after the other, children before parents: each stop sends one SIGCHLD, which its parent takes.
uint32_t turn_of(const Tree& tree) {
  uint32_t turn = 0;
  for (uint32_t i = tree.self + 1; i < tree.count; ++i)
    if (tree.is_stopped(i)) ++turn;
  return turn;
}

/// Whether the parent has seen it stop.
bool was_seen(const Tree& tree, uint32_t turn) {
  constexpr int kLooks = 10;
  for (int i = 0; i < kLooks && count_at(tree, kStopped) <= turn; ++i) rest();
  return count_at(tree, kStopped) > turn;
}

void stand_still(const Tree& tree) {
  const uint32_t status = tree.processes[tree.self].exit_status, turn = turn_of(tree);
  const int signal = status == 0 ? SIGSTOP : static_cast<int>(status >> 8);
  const bool in_turn = await(tree, kStopped, turn);
  if (signal == SIGSTOP) {
    signal_self(SIGSTOP);
    return;
  }
  stop_by(signal);
  // The other signals do not stop a process whose group has nobody outside to continue it (orphaned:
  // get_signal() of the kernel), which that of the launch's caller may be.
  if (in_turn && !was_seen(tree, turn)) signal_self(SIGSTOP);
}

}  // namespace

void pass_through_stops(Handover& handover) {
  const Tree& tree = *handover.tree;
  for (uint32_t i = tree.self + 1; i < tree.count; ++i)
    if (is_child(tree, i) && is_to_go_on(tree, i)) continue_child(handover, tree.pid(i));
  if (!is_to_go_on(tree, tree.self)) return;
  check(handover, signal_self(SIGSTOP), "cannot stop");
  check(handover, drop_signals(signal_bit(SIGCONT)), "cannot take a signal back");
}

void stop_members(const Handover& handover, uint64_t waiting) {
  const Tree& tree = *handover.tree;
  if (tree.stopped == 0) return;
  for (uint32_t i = tree.count; i-- > tree.self + 1;)
    if (is_child(tree, i) && tree.is_stopped(i)) see_stop(tree, i, waiting);
  if (tree.is_stopped(tree.self)) stand_still(tree);
  await(tree, kStopped, tree.stopped);
}

}  // namespace thaw::restorer
