// CPU features of ARMv7 as user space sees them: HWCAP bits (arch/arm/include/uapi/asm/hwcap.h).
// Cache maintenance goes through the kernel here, so that no program relies on line sizes.
#include <sys/auxv.h>

#include "arch/arch.h"
#include "arch/feature_names.h"

namespace thaw::arch {
namespace {

enum Word { kHwcap, kHwcap2 };

/// Of the kernel, not of code: a 32-bit program is the same under LPAE and without, and timer
/// events come and go.
constexpr uint64_t kKernelsOwn = 1u << 20 | 1u << 21;

}  // namespace

CpuFeatures cpu_features() {
  CpuFeatures features;
  features.words[kHwcap] = getauxval(AT_HWCAP) & ~kKernelsOwn;
  features.words[kHwcap2] = getauxval(AT_HWCAP2);
  return features;
}

std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present) {
  return arm::missing_features(needed, present);
}

}  // namespace thaw::arch
