#include "fd/locks.h"

#include "support/file.h"

namespace thaw::fd {

Result<void> refuse_locks(const Probe& p, policy::Type type) {
  std::string_view lock;
  each_line(p.fdinfo, "lock:", [&](std::string_view line) {
    lock = trim(line.substr(line.find(": ") + 1));
    return false;
  });
  if (lock.empty()) return {};
  return refuse(
      p, "holds a file lock (" + std::string(lock) + ")",
      "release it before the checkpoint; or, where instances and others may use the file at "
      "the same time without the protection of the lock, " +
          policy::suggestion(type, p.link, policy::kCloseOrIgnore));
}

}  // namespace thaw::fd
