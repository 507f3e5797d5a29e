// A tree of processes: each of them is restored by itself, side by side with the others, and they
// meet in memory that they share. None of it exists where the app is a single process.
//
//   born → all are there, with all ids → ready → the root commits → settled → resume
//
// Until the commit, whoever cannot go on tells it there; the root ends all others and starts cold.
#pragma once

#include "arch/this_cpu.h"
#include "restorer/handover.h"

namespace thaw::restorer {

/// Whether this is one that the root has made.
bool is_member(const Handover& handover);

/// The id of a thread, by its index in the image's table; once all processes are born and rebuilt.
uint32_t id_of_thread(const Handover& handover, uint32_t index);

/// Tells the others of this process's ids, and waits for theirs. Its ended children have ended, and
/// what they signalled has been taken away; processes are in their groups.
void meet_others(Handover& handover);

/// What can fail has been done. The root returns when all have come as far, the others when it commits.
void await_commit(Handover& handover);

/// The root alone: from here on there is no way back.
void commit_tree(Handover& handover);

/// Waits for the end of what all do after the commit: whoever runs may end, and with it those that
/// are not ready to outlive it.
void settle_tree(Handover& handover);

/// The pids of all but the root, in the order of the image.
void tell_members(const Handover& handover, uint32_t* pids);

/// Until it is settled, a member dies with its parent: again, where it has changed its credentials.
void bind_to_parent(const Handover& handover);

/// Whether the caller ignores SIGCHLD, which this process does no more.
bool caller_ignores_ends(const Handover& handover);

/// What the launch has changed of how a process hears of its children's ends.
void restore_child_signal(Handover& handover);

/// A member that cannot go on tells so and ends; the root ends all others and has what it had.
void give_tree_up(const Handover& handover);

}  // namespace thaw::restorer
