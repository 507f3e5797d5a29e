// CPU features of x86-64 as user space sees them (CPUID, XCR0; Intel SDM volume 2, CPUID).
#include <sys/platform/x86.h>

#include "arch/cpus.h"

namespace thaw::arch {
namespace {

uint64_t pair(uint32_t low, uint32_t high) {
  return uint64_t{high} << 32 | low;
}

uint64_t read_xcr0() {
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return pair(low, high);
}

}  // namespace

const Cpu& kThisCpu = x86_64::kCpu;

/// What libc has read at the start: under a hypervisor each CPUID is a trap of several
/// microseconds.
CpuFeatures cpu_features() {
  constexpr uint32_t kHypervisor = 1u << 31;
  constexpr uint32_t kOsxsave = 1u << 27;
  enum { kA, kB, kC, kD };
  auto leaf = [](unsigned index) { return __x86_get_cpuid_feature_leaf(index)->cpuid_array; };
  const unsigned* basic = leaf(CPUID_INDEX_1);
  const unsigned* extended = leaf(CPUID_INDEX_7);
  const unsigned* amd = leaf(CPUID_INDEX_80000001);
  CpuFeatures features;
  features.words[0] = pair(basic[kC] & ~kHypervisor, basic[kD]);
  features.words[1] = pair(extended[kB], extended[kC] & ~0x3e0000u);  // MAWAU is a number
  features.words[2] = extended[kD];
  features.words[3] = pair(amd[kC], amd[kD]);
  features.words[4] = leaf(CPUID_INDEX_7_ECX_1)[kA];
  if ((basic[kC] & kOsxsave) != 0) {
    features.words[5] = read_xcr0();
    features.words[6] = leaf(CPUID_INDEX_D_ECX_1)[kA];
  }
  return features;
}

// The frames of signals follow from the features of the CPU here.
const size_t kFrameSearch = 0;
void add_frame_features(std::span<const uint8_t>, CpuFeatures&) {}
const char* frame_problem(const CpuFeatures&) {
  return nullptr;
}

}  // namespace thaw::arch
