// The processes of the app beside the one that the caller becomes. Each of them begins as a copy of
// thaw-exec that has everything open, and goes on as the caller does, with a process of its own.
#pragma once

#include <sys/types.h>

#include <vector>

#include "image/view.h"
#include "launch/exec_call.h"
#include "launch/guard/guard.h"
#include "restorer/members.h"
#include "support/result.h"

namespace thaw::launch {

class Descriptors;

class Tree {
 public:
  /// Costs nothing where the app is a single process.
  explicit Tree(const image::View& view) : view_(view) {}
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  /// The root's: the launch was given up. None of the others is left, and nobody hears of them.
  ~Tree();

  /// Makes all other processes; returns in each of them, as an error where one cannot go on. Those
  /// of its parent's session and group that it leads are begun. The signals are blocked, and the
  /// calling process has no child that ends meanwhile but `guard`'s, which is waited for. Sessions
  /// have their controlling terminals, which are among `descriptors`.
  Result<void> grow(Guard& guard, Descriptors& descriptors);

  /// Index of this process; 0: the one that was called.
  [[nodiscard]] model::Index self() const { return record_.self; }
  [[nodiscard]] const model::Process& process() const { return view_.processes()[self()]; }
  [[nodiscard]] bool is_member() const { return self() != 0; }
  /// Where they meet; null for a single process.
  [[nodiscard]] const restorer::Tree* record() const {
    return record_.meeting != nullptr ? &record_ : nullptr;
  }
  /// Bytes at record()->meeting.
  [[nodiscard]] uint64_t meeting_size() const { return meeting_size_; }
  /// The group of whoever has not one of the app's own.
  [[nodiscard]] pid_t callers_group() const { return callers_group_; }

  /// Of a tree: until all of its processes are there; per Process, its id.
  Result<std::vector<pid_t>> await_births() const;
  /// Whether one of them cannot go on, or has been killed.
  [[nodiscard]] bool has_failed() const;

  /// A member that cannot go on: the root, which notices, will start cold.
  [[noreturn]] void give_up(const ExecCall& call, const Error& reason) const;

 private:
  Result<void> make_meeting();
  Result<void> hear_of_ends();
  void adopt_orphans();
  Result<void> be(model::Index self, pid_t parent);
  Result<void> begin_life(pid_t parent) const;
  Result<void> begin_session();
  Result<void> make_children(bool before_session, bool& in_child);
  Result<pid_t> make(model::Index child) const;
  [[noreturn]] void end() const;
  [[noreturn]] void be_zombie(model::Index self) const;
  [[nodiscard]] bool keeps_ids() const;
  [[nodiscard]] bool leads_session(model::Index index) const;
  [[nodiscard]] bool leads_group(model::Index index) const;

  const image::View& view_;
  Descriptors* descriptors_ = nullptr;  ///< while it grows
  restorer::Tree record_;
  uint64_t meeting_size_ = 0;
  pid_t callers_group_ = 0;
  std::vector<bool> born_before_;
};

}  // namespace thaw::launch
