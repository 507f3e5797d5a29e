#include "checkpoint/freeze/frozen_tree.h"

#include <algorithm>

#include "checkpoint/freeze/injectable.h"
#include "checkpoint/freeze/leave_vdso.h"
#include "proc/check_supported.h"
#include "proc/refuse.h"
#include "support/clock.h"

namespace thaw::checkpoint {

Result<FrozenTree> FrozenTree::take(pid_t root, proc::Ids ids) {
  THAW_TRY(proc::check_supported(root, ids));
  FrozenTree tree;
  for (bool moved = true; moved;) {
    // Who runs a moment to leave the kernel's code may have children in it.
    THAW_TRY(tree.freeze_all(root));
    for (const Freeze& process : tree.processes_) THAW_TRY(check_injectable(process));
    THAW_ASSIGN(left, tree.leave_kernels_code());
    moved = left && proc::children_of(root).size() + tree.processes_.size() > 1;
  }
  tree.find_ended();
  // Once more: what has changed before all threads stood still.
  THAW_TRY(proc::check_supported(root, ids));
  if (tree.processes_.size() > 1) {
    THAW_ASSIGN(keeper, Keeper::begin(tree.processes_));
    tree.keeper_ = std::move(keeper);
    for (Freeze& process : tree.processes_) process.end_with_us();
  }
  return tree;
}

Result<void> FrozenTree::freeze_all(pid_t root) {
  if (processes_.empty()) {
    THAW_ASSIGN(freeze, Freeze::take(root));
    if (freeze.stop_signal() != 0)
      return proc::refuse(root, "is stopped by a signal", "continue it (kill -CONT) first");
    since_ns_ = freeze.since_ns();
    processes_.push_back(std::move(freeze));
  }
  // Who stands still has no more children, but becomes the parent of those of others.
  for (bool found = true; found;) {
    found = false;
    for (size_t i = 0; i < processes_.size(); ++i) {
      THAW_ASSIGN(more, freeze_children(processes_[i].pid()));
      found = found || more;
    }
  }
  return {};
}

bool FrozenTree::has(pid_t pid) const {
  return std::any_of(processes_.begin(), processes_.end(),
                     [pid](const Freeze& process) { return process.pid() == pid; });
}

Result<bool> FrozenTree::freeze_children(pid_t parent) {
  bool found = false;
  for (const pid_t child : proc::children_of(parent)) {
    if (has(child) || proc::has_ended(child)) continue;
    auto freeze = Freeze::take(child);
    if (!freeze && proc::has_ended(child)) continue;
    if (!freeze) return proc::of_member(freeze.error(), child);
    processes_.push_back(freeze.take());
    found = true;
  }
  return found;
}

/// True if somebody ran for a moment.
Result<bool> FrozenTree::leave_kernels_code() {
  bool moved = false;
  for (Freeze& process : processes_) {
    THAW_ASSIGN(left, leave_vdso(process));
    moved = moved || left;
  }
  std::erase_if(processes_, [](const Freeze& process) { return process.tids().empty(); });
  if (processes_.empty()) return Error{ESRCH, "the app has ended"};
  return moved;
}

void FrozenTree::find_ended() {
  for (const Freeze& process : processes_)
    for (const pid_t child : proc::children_of(process.pid()))
      if (!has(child)) ended_.push_back(child);
}

double FrozenTree::frozen_ms() const {
  return static_cast<double>(clock_ns(CLOCK_MONOTONIC) - since_ns_) / 1e6;
}

void FrozenTree::let_run() {
  processes_.clear();
  keeper_ = {};
}

void FrozenTree::kill() {
  // All of them first: none shall see another's end.
  for (const Freeze& process : processes_) process.kill();
  // Who has ended can be waited for by its parent; the root's end is the app's.
  for (auto process = processes_.rbegin(); process != processes_.rend(); ++process)
    process->wait_killed();
}

}  // namespace thaw::checkpoint
