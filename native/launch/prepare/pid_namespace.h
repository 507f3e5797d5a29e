// The pid namespace of a launch whose processes have the ids that they had (pid_namespaces(7)).
#pragma once

#include <signal.h>
#include <sys/time.h>
#include <sys/types.h>

#include <cstdint>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::launch {

/// What exec would keep and fork does not.
class UninheritedState {
 public:
  bool read();
  /// In a child.
  [[nodiscard]] bool take() const;
  /// In the parent, which has all signals blocked: those that wait are the child's now, and so is the
  /// timer.
  void leave() const;
  /// A blocked signal that has come since, for thaw's own doing.
  void forget(int signal) const;

 private:
  int death_signal_ = 0;
  itimerval timers_[3] = {};
  sigset_t waiting_ = {};
};

/// Of the process that stands for the app and stays outside. Where the launch is given up, everything
/// is taken back: whoever is in the namespace ends, and children of this process are born beside it
/// again.
class PidNamespace {
 public:
  PidNamespace() = default;
  PidNamespace(const PidNamespace&) = delete;
  PidNamespace& operator=(const PidNamespace&) = delete;
  ~PidNamespace();

  /// From now on, children of this process are born there. The first process there is thaw's own: it
  /// takes orphans in, does nothing else, and ends with this process; with it, all others end.
  Result<void> make();

  /// The same for who may not: in a user namespace, whose first process is the app's, `pid`. Returns in both:
  /// born() tells which. That one has the capabilities with which it makes processes and threads with their ids,
  /// and the caller's bounding set.
  Result<void> make_of_user(pid_t pid);
  /// After make_of_user(): the app's process, as this process knows it; 0: this is it.
  [[nodiscard]] pid_t born() const { return born_; }

  /// In a child, where it does not return on failure; that ends with the first process. A /proc that shows the namespace, in a mount
  /// namespace of its own; whatever the app starts gets ids above `last`.
  void settle(pid_t last);
  /// In the parent: how that went. What the caller had, the child has then.
  Result<void> await_settled();

  /// Ends all that is left there, once the app has ended.
  void end();

 private:
  Result<void> prepare();

  pid_t first_ = -1, born_ = -1;
  uint64_t bounding_ = 0;  ///< the caller's, where the namespace is a user's
  UninheritedState callers_state_;
  UniqueFd callers_, told_, tell_;
  UniqueFd may_go_,
      let_go_;  ///< of a user's namespace: until its caller knows of it, the app's process waits
};

}  // namespace thaw::launch
