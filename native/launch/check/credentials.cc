#include "launch/check/credentials.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace thaw::launch {

using image::View;
using model::Credentials;

namespace {

/// This process's own.
struct Caller {
  uint64_t effective = 0, permitted = 0, inheritable = 0;

  static Result<Caller> read() {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capget, &header, sets) != 0) return errno_error("cannot read capabilities");
    const auto whole = [&sets](auto half) {
      return sets[0].*half | static_cast<uint64_t>(sets[1].*half) << 32;
    };
    return Caller{whole(&__user_cap_data_struct::effective),
                  whole(&__user_cap_data_struct::permitted),
                  whole(&__user_cap_data_struct::inheritable)};
  }
  [[nodiscard]] bool may(unsigned capability) const { return (effective >> capability & 1) != 0; }
};

bool all_are(const uint32_t (&ids)[4], uint32_t id) {
  return std::all_of(std::begin(ids), std::end(ids), [id](uint32_t one) { return one == id; });
}

/// kill(2): for who may not end a member, a launch that cannot go on could not either.
bool may_be_ended(const Credentials& c) {
  constexpr int kReal = 0, kSaved = 2;
  return c.users[kReal] == geteuid() || c.users[kSaved] == geteuid();
}

bool has_more_to_drop(const Credentials& c) {
  for (int capability = 0; capability < 64; ++capability)
    if ((c.bounding >> capability & 1) == 0 && prctl(PR_CAPBSET_READ, capability) == 1) return true;
  return false;
}

/// What the caller needs for it and has not; null: nothing.
const char* missing(const Credentials& c, const Caller& caller) {
  const bool own_securebits = (c.own & model::kOwnSecurebits) != 0;
  if (!all_are(c.users, geteuid()) && !caller.may(CAP_SETUID)) return "CAP_SETUID";
  if ((!all_are(c.groups, getegid()) || (c.own & model::kOwnGroups) != 0) &&
      !caller.may(CAP_SETGID))
    return "CAP_SETGID";
  if (!may_be_ended(c) && !caller.may(CAP_KILL)) return "CAP_KILL";
  if (c.root.size != 0 && !caller.may(CAP_SYS_CHROOT)) return "CAP_SYS_CHROOT";
  if ((own_securebits || has_more_to_drop(c)) && !caller.may(CAP_SETPCAP)) return "CAP_SETPCAP";
  if ((c.own & model::kOwnPermitted) != 0 && (c.permitted & ~caller.permitted) != 0)
    return "the capabilities that it had";
  if ((c.own & model::kOwnInheritable) != 0 &&
      (c.inheritable & ~(caller.inheritable | caller.permitted)) != 0)
    return "the inheritable capabilities that it had";
  return nullptr;
}

}  // namespace

bool has_capability(unsigned capability) {
  const auto caller = Caller::read();
  return caller && caller.value().may(capability);
}

Result<void> check_credentials(const View& view) {
  if (view.credentials().empty()) return {};
  THAW_ASSIGN(caller, Caller::read());
  const auto processes = view.processes();
  for (size_t i = 0; i < processes.size(); ++i) {
    if (processes[i].credentials == model::kNone) continue;
    const Credentials& c = view.credentials()[processes[i].credentials];
    const char* lacks = missing(c, caller);
    if (lacks == nullptr) continue;
    return Error{0,
                 "process " + std::to_string(i) + " of the app ran as user " +
                     std::to_string(c.users[1]) +
                     " with rights of its own, and for a launch of it "
                     "the caller lacks " +
                     lacks,
                 "give that to the caller (CapabilityBoundingSet= of systemd), or build the image "
                 "with the caller's rights"};
  }
  return {};
}

}  // namespace thaw::launch
