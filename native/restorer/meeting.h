// How the processes of a tree wait for each other, and for what their children do meanwhile.
#pragma once

#include <stdint.h>

#include "restorer/members.h"

namespace thaw::restorer {

/// What waitid(2) tells of a child: the kernel's siginfo_t.
struct ChildState {
  int information[32] = {};

  [[nodiscard]] bool is_known() const { return information[0] != 0; }
  [[nodiscard]] int code() const { return information[2]; }  ///< CLD_*
  [[nodiscard]] int status() const { return information[sizeof(long) == 8 ? 6 : 5]; }
};

/// Waits until the child has done one of `events` (WEXITED, WSTOPPED and WCONTINUED of waitid(2)), and
/// leaves it to be waited for. A negative errno; -ECANCELED: somebody outside has stopped it.
long await_child(uint32_t pid, long events, ChildState& state);

/// Counts this process at `stage`, where `all` wait for each other.
void arrive(const Tree& tree, Stage stage, uint32_t all);

/// How many have arrived.
uint32_t count_at(const Tree& tree, Stage stage);

/// Until `all` have arrived. False: one of them cannot go on, which a killed one cannot, nor one that
/// somebody outside has stopped for long. Ends this process where its parent is gone.
bool await(const Tree& tree, Stage stage, uint32_t all);

/// For a moment: kPatienceNs.
void rest();

/// Ends this process as one that cannot go on.
[[noreturn]] void end_member();

}  // namespace thaw::restorer
