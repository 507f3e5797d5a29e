#include <asm/prctl.h>
#include <sys/syscall.h>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

// <asm/prctl.h>; that of Debian 12 lacks the second (Linux 6.4).
constexpr uint64_t kGetXcompPerm = 0x1022, kGetUntagMask = 0x4001;
constexpr uint64_t kReadLdt = 0, kRoom = 64, kAt = Setting::kScratch;

constexpr Setting kSettings[] = {
    {"ARCH_SET_CPUID", true, SYS_arch_prctl, {ARCH_GET_CPUID}, 0},
    {"modify_ldt(2)", false, SYS_modify_ldt, {kReadLdt, kAt, kRoom}, 0},
    {"ARCH_ENABLE_TAGGED_ADDR", false, SYS_arch_prctl, {kGetUntagMask, kAt}, 8},
    {"ARCH_REQ_XCOMP_PERM (AMX)", false, SYS_arch_prctl, {kGetXcompPerm, kAt}, 8},
};

}  // namespace

std::span<const Setting> cpu_settings() {
  return kSettings;
}

const bool kKeepsKeyRights = true;
const uint32_t kProtectionKeys = 16;

}  // namespace thaw::arch
