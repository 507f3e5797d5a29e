// CPU features of AArch64 as user space sees them: HWCAP bits, which an image needs all of, and
// numbers that programs read once and rely on (CTR_EL0 and DCZID_EL0, Arm ARM D19.2; SVE vector
// length).
#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "arch/cpus.h"

namespace thaw::arch {
namespace {

enum Word { kHwcap, kHwcap2, kCacheType, kZeroBlock, kVectorLength };

/// Generic timer events are no feature that code is chosen by, and kernels switch them off.
constexpr uint64_t kEventStream = 1u << 2;

uint64_t cache_type() {
  uint64_t value;
  asm("mrs %0, ctr_el0" : "=r"(value));
  return value;
}

uint64_t zero_block() {
  uint64_t value;
  asm("mrs %0, dczid_el0" : "=r"(value));
  return value & 0x1f;
}

}  // namespace

const Cpu& kThisCpu = aarch64::kCpu;

CpuFeatures cpu_features() {
  CpuFeatures features;
  features.words[kHwcap] = getauxval(AT_HWCAP) & ~kEventStream;
  features.words[kHwcap2] = getauxval(AT_HWCAP2);
  features.words[kCacheType] = cache_type();
  features.words[kZeroBlock] = zero_block();
  const int length = prctl(PR_SVE_GET_VL);
  features.words[kVectorLength] =
      length < 0 ? 0 : static_cast<uint64_t>(length & PR_SVE_VL_LEN_MASK);
  return features;
}

// The frames of signals follow from the features of the CPU here.
const size_t kFrameSearch = 0;
void add_frame_features(std::span<const uint8_t>, CpuFeatures&) {}
const char* frame_problem(const CpuFeatures&) {
  return nullptr;
}

}  // namespace thaw::arch
