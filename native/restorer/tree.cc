#include "restorer/tree.h"

#include "restorer/cold_start.h"
#include "restorer/meeting.h"
#include "restorer/signals.h"
#include "restorer/stops.h"
#include "restorer/threads.h"

namespace thaw::restorer {
namespace {

constexpr const char* kNotRestored = "another process of the app cannot be restored";

void await_or_give_up(Handover& handover, Stage stage, uint32_t all) {
  check(handover, await(*handover.tree, stage, all) ? 0 : -ECANCELED, kNotRestored);
}

/// From here on the root alone can give the launch up: who else cannot go on comes too late.
bool decide(const Tree& tree) {
  uint32_t none = 0;
  return __atomic_compare_exchange_n(&tree.meeting->arrived[kCommit], &none, Meeting::kDecided,
                                     false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void tell_ids(const Handover& handover) {
  const Tree& tree = *handover.tree;
  const model::Range& threads = handover.process->threads;
  // The leader's is there since it was made.
  for (uint32_t i = 1; i < threads.count; ++i)
    __atomic_store_n(&tree.meeting->ids[threads.first + i], new_tid(handover, i), __ATOMIC_RELEASE);
}

bool is_end(const ChildState& state, uint32_t status) {
  const auto signal = static_cast<int>(status & 0x7f);
  return state.code() == (signal != 0 ? CLD_KILLED : CLD_EXITED) &&
         state.status() == (signal != 0 ? signal : static_cast<int>(status >> 8));
}

void await_zombies(Handover& handover) {
  const Tree& tree = *handover.tree;
  for (uint32_t i = tree.self + 1; i < tree.count; ++i) {
    if (tree.processes[i].parent != tree.self || !tree.is_zombie(i)) continue;
    ChildState state;
    check(handover, await_child(tree.pid(i), WEXITED, state), "cannot wait for an ended process");
    check(handover, is_end(state, tree.processes[i].exit_status) ? 0 : -ECANCELED,
          "a process cannot be made to end as it had");
  }
}

/// Of children that have ended, or stopped and gone on. What they had signalled in the app, the image
/// has among the signals that wait, if it does.
void drop_child_signals(Handover& handover) {
  const Tree& tree = *handover.tree;
  uint64_t signals = 0;
  for (uint32_t i = tree.self + 1; i < tree.count; ++i) {
    const model::Process& process = tree.processes[i];
    if (process.parent != tree.self) continue;
    if (tree.is_zombie(i)) signals |= signal_bit(process.exit_signal);
    if (process.exit_status != 0 && !tree.is_zombie(i)) signals |= signal_bit(SIGCHLD);
  }
  check(handover, drop_signals(signals & ~tree.callers_signals), "cannot take a signal back");
  if (signals != 0 && tree.ignores_ends == 0) settle_elders(tree);
}

/// Leaders have made their groups before they came here.
void join_groups(Handover& handover) {
  const Tree& tree = *handover.tree;
  for (uint32_t i = tree.self; i < tree.count; ++i) {
    const model::Process& process = tree.processes[i];
    const bool mine = i == tree.self || (process.parent == tree.self && tree.is_zombie(i));
    const model::Index group = process.process_group;
    if (!mine || group == model::kNone || group == i || group == process.session) continue;
    check(handover, raw::call(__NR_setpgid, tree.pid(i), tree.pid(group)),
          "cannot put a process into its group");
  }
}

}  // namespace

bool is_member(const Handover& handover) {
  return handover.tree != nullptr && handover.tree->self != 0;
}

uint32_t id_of_thread(const Handover& handover, uint32_t index) {
  return handover.tree == nullptr ? new_tid(handover, index) : handover.tree->meeting->ids[index];
}

void meet_others(Handover& handover) {
  if (handover.tree == nullptr) return;
  const Tree& tree = *handover.tree;
  tell_ids(handover);
  await_zombies(handover);
  pass_through_stops(handover);
  arrive(tree, kBorn, tree.living);
  await_or_give_up(handover, kBorn, tree.living);
  drop_child_signals(handover);
  join_groups(handover);
}

void await_commit(Handover& handover) {
  if (handover.tree == nullptr) return;
  const Tree& tree = *handover.tree;
  arrive(tree, kReady, tree.living);
  if (tree.self != 0) return await_or_give_up(handover, kCommit, 1);
  await_or_give_up(handover, kReady, tree.living);
  check(handover, decide(tree) ? 0 : -ECANCELED, kNotRestored);
}

void commit_tree(Handover& handover) {
  if (handover.tree == nullptr) return;
  const Tree& tree = *handover.tree;
  if (tree.self == 0) arrive(tree, kCommit, 1);
  if (tree.subreaper >= 0 && (handover.process->flags & model::kChildSubreaper) == 0)
    raw::call(__NR_prctl, PR_SET_CHILD_SUBREAPER, tree.subreaper, 0, 0, 0);
}

void settle_tree(Handover& handover) {
  if (handover.tree == nullptr) return;
  const Tree& tree = *handover.tree;
  if (tree.self != 0)
    raw::call(__NR_prctl, PR_SET_PDEATHSIG, handover.threads[0].parent_death_signal, 0, 0, 0);
  const uint64_t waiting = tree.stopped != 0 ? pending_signals() : 0;
  arrive(tree, kSettled, tree.living);
  // From here on, each of them outlives its parent, as it would in the app: either all do or none.
  // Where somebody has killed one, the others live on.
  if (!await(tree, kSettled, tree.living) && is_orphan(tree)) end_member();
  stop_members(handover, waiting);
}

void bind_to_parent(const Handover& handover) {
  if (handover.credentials == nullptr) return;
  raw::call(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (is_orphan(*handover.tree)) end_member();
}

bool caller_ignores_ends(const Handover& handover) {
  return handover.tree != nullptr && handover.tree->ignores_ends != 0;
}

void tell_members(const Handover& handover, uint32_t* pids) {
  if (handover.tree == nullptr) return;
  for (uint32_t i = 1; i < handover.tree->count; ++i) pids[i - 1] = handover.tree->pid(i);
}

void restore_child_signal(Handover& handover) {
  if (!caller_ignores_ends(handover)) return;
  if ((handover.cold.callers.replaced_actions & signal_bit(SIGCHLD)) == 0)
    check(handover, ignore_ends(), "cannot ignore the ends of children");
  settle_elders(*handover.tree);
}

void give_tree_up(const Handover& handover) {
  if (handover.tree == nullptr) return;
  const Tree& tree = *handover.tree;
  if (tree.self == 0) return end_members(tree);
  tell_of_failure(tree);
  end_member();
}

}  // namespace thaw::restorer
