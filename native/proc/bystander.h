// A process that does nothing, to compare others with and to have them look at it.
#pragma once

#include <sys/types.h>

namespace thaw::proc {

/// A child of ours with one thread, the given ids and no capability. It lives as long as this.
class Bystander {
 public:
  Bystander(uid_t uid, gid_t gid);
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;
  ~Bystander();

  /// False where it could not take the ids.
  [[nodiscard]] bool stands() const { return stands_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  bool stands_ = false;
};

}  // namespace thaw::proc
