// The user namespace of a launch by an ordinary user whose app has its old pids (user_namespaces(7)): who makes it has
// all capabilities in there, of which the app shall have none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace thaw::launch {

/// Knows what the calling process is before.
class UserNamespace {
 public:
  UserNamespace();

  /// The calling process, which has one thread, enters a new one with its own user and group, and a pid
  /// namespace for its children. The step that failed, or null.
  [[nodiscard]] const char* enter() const;
  /// The caller's capabilities that an exec could give, as bits.
  [[nodiscard]] uint64_t bounding() const { return bounding_; }
  /// False: what they are cannot be read.
  [[nodiscard]] bool is_known() const { return known_; }

 private:
  uid_t user_;
  gid_t group_;
  uint64_t bounding_ = 0;
  bool known_ = true;
  std::string confinement_;  ///< by a security module
};

/// In there, in a process that needs none.
void give_up_capabilities();

/// In there: leaves itself those that a launch needs to give processes and threads their ids, and to give up the rest,
/// and `bounding` of the bounding set. The step that failed, or null.
const char* keep_few_capabilities(uint64_t bounding);

}  // namespace thaw::launch
