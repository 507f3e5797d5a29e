#include "launch/prepare/user_namespace.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "support/file.h"
#include "support/unique_fd.h"

namespace thaw::launch {
namespace {

constexpr int kSetSize = 64;                 ///< more than there are capabilities
constexpr unsigned kCheckpointRestore = 40;  // CAP_CHECKPOINT_RESTORE

/// Of AppArmor, SELinux and the like; empty where there is none.
std::string confinement() {
  auto context = read_file("/proc/self/attr/current");
  return context ? context.take() : std::string();
}

/// "1000 1000 1": this id means itself, and there is no other.
std::string map_of(uint32_t id) {
  return std::to_string(id) + " " + std::to_string(id) + " 1";
}

}  // namespace

UserNamespace::UserNamespace() : user_(geteuid()), group_(getegid()), confinement_(confinement()) {
  for (int capability = 0; capability < kSetSize; ++capability) {
    const int has = prctl(PR_CAPBSET_READ, capability);
    if (has == 1) bounding_ |= uint64_t{1} << capability;
    known_ =
        known_ && (has >= 0 || errno == EINVAL);  // EINVAL: the kernel has none of that number.
  }
}

const char* UserNamespace::enter() const {
  if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) return "cannot make a user namespace";
  // A group that denies something to its members must not be left: setgroups(2) stays forbidden.
  if (!write_file("/proc/self/setgroups", "deny") ||
      !write_file("/proc/self/uid_map", map_of(user_)) ||
      !write_file("/proc/self/gid_map", map_of(group_)))
    return "cannot have the caller's user and group in a user namespace";
  if (confinement() != confinement_) {
    errno = EPERM;
    return "a security module confines who makes a user namespace";
  }
  return nullptr;
}

void give_up_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capset, &header, none) != 0) _exit(1);
}

const char* keep_few_capabilities(uint64_t bounding) {
  for (int capability = 0; capability < kSetSize; ++capability) {
    const bool kept = (bounding >> capability & 1) != 0;
    if (!kept && prctl(PR_CAPBSET_DROP, capability) != 0 && errno != EINVAL)
      return "cannot make the bounding set what the caller's is";
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  for (const unsigned capability : {static_cast<unsigned>(CAP_SETPCAP), kCheckpointRestore}) {
    sets[capability / 32].permitted |= 1u << capability % 32;
    sets[capability / 32].effective |= 1u << capability % 32;
  }
  return syscall(SYS_capset, &header, sets) == 0 ? nullptr : "cannot give up capabilities";
}

}  // namespace thaw::launch
