#include "restorer/credentials.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "arch/call_numbers.h"
#include "arch/this_cpu.h"
#include "restorer/cold_start.h"

namespace thaw::restorer {
namespace {

constexpr int kSetSize = 64;  ///< more than there are capabilities

long prctl(long option, long a = 0, long b = 0) {
  return raw::call(__NR_prctl, option, a, b, 0, 0);
}

struct Sets {
  uint64_t effective = 0, permitted = 0, inheritable = 0;
};

/// capget(2) and capset(2) of this thread.
class Capabilities {
 public:
  long read(Sets& sets) {
    const long result = call(__NR_capget);
    sets = {whole(&__user_cap_data_struct::effective), whole(&__user_cap_data_struct::permitted),
            whole(&__user_cap_data_struct::inheritable)};
    return result;
  }
  long write(const Sets& sets) {
    for (int i = 0; i < 2; ++i)
      halves_[i] = {static_cast<uint32_t>(sets.effective >> 32 * i),
                    static_cast<uint32_t>(sets.permitted >> 32 * i),
                    static_cast<uint32_t>(sets.inheritable >> 32 * i)};
    return call(__NR_capset);
  }

 private:
  long call(long number) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return raw::call(number, reinterpret_cast<long>(&header), reinterpret_cast<long>(halves_));
  }
  [[nodiscard]] uint64_t whole(__u32 __user_cap_data_struct::*half) const {
    return halves_[0].*half | static_cast<uint64_t>(halves_[1].*half) << 32;
  }
  __user_cap_data_struct halves_[2] = {};
};

/// What the launch takes of the caller's; false: the caller lacks what the member had for itself.
bool take(const model::Credentials& c, uint32_t part, uint64_t wanted, uint64_t callers,
          uint64_t& taken) {
  taken = wanted & callers;
  return taken == wanted || (c.own & part) == 0;
}

/// No set has what the caller's has not. Inheritable are those that the caller may make so.
bool choose(const model::Credentials& c, const Sets& callers, Sets& wanted) {
  const uint64_t may_inherit = (c.own & model::kOwnInheritable) != 0
                                   ? callers.inheritable | callers.permitted
                                   : callers.inheritable;
  const bool whole =
      take(c, model::kOwnPermitted, c.permitted, callers.permitted, wanted.permitted) &&
      take(c, model::kOwnEffective, c.effective, wanted.permitted, wanted.effective) &&
      take(c, model::kOwnInheritable, c.inheritable, may_inherit, wanted.inheritable);
  // Of those that it shares with the root, effective are at most the caller's.
  if ((c.own & model::kOwnEffective) == 0) wanted.effective &= callers.effective;
  return whole;
}

long drop_bounding(uint64_t kept) {
  constexpr long kUnknown = -EINVAL;  // Of this kernel.
  for (int capability = 0; capability < kSetSize; ++capability) {
    if ((kept >> capability & 1) != 0) continue;
    const long has = prctl(PR_CAPBSET_READ, capability);
    const long result = has == 1 ? prctl(PR_CAPBSET_DROP, capability) : has;
    if (result < 0 && result != kUnknown) return result;
  }
  return 0;
}

/// The calls return what was before, and nothing else.
long set_file_system_id(long call, uint32_t id) {
  raw::call(call, static_cast<long>(id));
  return static_cast<uint32_t>(raw::call(call, -1)) == id ? 0 : -EPERM;
}

long set_groups(const Handover& handover, const model::Credentials& c) {
  if ((c.own & model::kOwnGroups) != 0)
    if (const long result =
            raw::call(arch::kSetGroups, static_cast<long>(c.supplementary.size / sizeof(uint32_t)),
                      reinterpret_cast<long>(handover.blobs + c.supplementary.offset));
        result < 0)
      return result;
  return raw::call(arch::kSetGids, c.groups[0], c.groups[1], c.groups[2]);
}

/// Afterwards nothing is effective that was not asked for again: a change of root's user drops all.
long set_users(const model::Credentials& c, const Sets& callers, Capabilities& capabilities,
               const Sets& wanted) {
  if (const long result = prctl(PR_SET_KEEPCAPS, 1); result < 0) return result;
  if (const long result = raw::call(arch::kSetUids, c.users[0], c.users[1], c.users[2]); result < 0)
    return result;
  // For what is still to be set.
  if (const long result =
          capabilities.write({callers.permitted, callers.permitted, wanted.inheritable});
      result < 0)
    return result;
  constexpr int kFileSystem = 3;
  if (const long result = set_file_system_id(arch::kSetFsGid, c.groups[kFileSystem]); result < 0)
    return result;
  return set_file_system_id(arch::kSetFsUid, c.users[kFileSystem]);
}

long set_ambient(uint64_t wanted) {
  if (const long result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL); result < 0)
    return result;
  for (int capability = 0; capability < kSetSize; ++capability) {
    if ((wanted >> capability & 1) == 0) continue;
    if (const long result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability); result < 0)
      return result;
  }
  return 0;
}

long set_securebits(const model::Credentials& c) {
  if ((c.own & model::kOwnSecurebits) != 0) return prctl(PR_SET_SECUREBITS, c.securebits);
  return prctl(PR_SET_KEEPCAPS, 0);
}

/// Groups before users, and both before the capabilities that they need.
long become(const Handover& handover, const model::Credentials& c) {
  Capabilities capabilities;
  Sets callers, wanted;
  if (const long result = capabilities.read(callers); result < 0) return result;
  if (!choose(c, callers, wanted)) return -EPERM;
  // Before the bounding set loses any: what is not in there, nobody can make inheritable.
  if (const long result =
          capabilities.write({callers.effective, callers.permitted, wanted.inheritable});
      result < 0)
    return result;
  if (const long result = drop_bounding(c.bounding); result < 0) return result;
  if (const long result = set_groups(handover, c); result < 0) return result;
  if (const long result = set_users(c, callers, capabilities, wanted); result < 0) return result;
  if (const long result = set_ambient(c.ambient & wanted.permitted & wanted.inheritable);
      result < 0)
    return result;
  if (const long result = set_securebits(c); result < 0) return result;
  return capabilities.write(wanted);
}

/// All of what a user namespace gives to who makes it (user_namespaces(7)); the bounding set is the
/// caller's already.
long give_up_capabilities() {
  Capabilities capabilities;
  Sets none;
  if (const long result = capabilities.read(none); result < 0) return result;
  if (const long result = set_ambient(0); result < 0) return result;
  return capabilities.write({});
}

}  // namespace

void enter_root(Handover& handover) {
  const model::Credentials* credentials = handover.credentials;
  if (credentials == nullptr || credentials->root.size == 0) return;
  check(handover,
        raw::call(__NR_chroot, reinterpret_cast<long>(handover.blobs + credentials->root.offset)),
        "cannot enter the root directory of a process of the app");
}

long take_credentials(const Handover& handover) {
  if (handover.credentials != nullptr) return become(handover, *handover.credentials);
  return handover.user_namespace != 0 ? give_up_capabilities() : 0;
}

}  // namespace thaw::restorer
