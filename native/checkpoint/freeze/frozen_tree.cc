#include "checkpoint/freeze/frozen_tree.h"

#include "checkpoint/freeze/injectable.h"
#include "checkpoint/freeze/leave_vdso.h"
#include "proc/check_supported.h"
#include "support/clock.h"

namespace thaw::checkpoint {

Result<FrozenTree> FrozenTree::take(pid_t root) {
  THAW_TRY(proc::check_supported(root));
  FrozenTree tree;
  THAW_ASSIGN(freeze, Freeze::take(root));
  tree.since_ns_ = freeze.since_ns();
  THAW_TRY(check_injectable(freeze));
  THAW_TRY(leave_vdso(freeze));
  // Once more: a child may have been born before all threads stood still.
  THAW_TRY(proc::check_supported(root));
  tree.processes_.push_back(std::move(freeze));
  return tree;
}

double FrozenTree::frozen_ms() const {
  return static_cast<double>(clock_ns(CLOCK_MONOTONIC) - since_ns_) / 1e6;
}

void FrozenTree::kill() {
  for (Freeze& process : processes_) process.kill();
}

}  // namespace thaw::checkpoint
