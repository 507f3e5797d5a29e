#include "checkpoint/freeze/frozen_tree.h"

#include <time.h>

#include "checkpoint/freeze/leave_vdso.h"
#include "proc/check_supported.h"

namespace thaw::checkpoint {
namespace {

double now_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace

Result<FrozenTree> FrozenTree::take(pid_t root) {
  THAW_TRY(proc::check_supported(root));
  FrozenTree tree;
  THAW_ASSIGN(freeze, Freeze::take(root));
  tree.since_ms_ = now_ms();
  THAW_TRY(leave_vdso(freeze));
  // Once more: a child may have been born before all threads stood still.
  THAW_TRY(proc::check_supported(root));
  tree.processes_.push_back(std::move(freeze));
  return tree;
}

double FrozenTree::frozen_ms() const {
  return now_ms() - since_ms_;
}

void FrozenTree::kill() {
  for (Freeze& process : processes_) process.kill();
}

}  // namespace thaw::checkpoint
