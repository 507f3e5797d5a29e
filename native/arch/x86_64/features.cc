// CPU features of x86-64 as user space sees them (CPUID, XCR0; Intel SDM volume 2, CPUID).
#include <cpuid.h>

#include "arch/arch.h"
#include "arch/feature_names.h"

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

CpuFeatures cpu_features() {
  constexpr uint32_t kHypervisor = 1u << 31;
  constexpr uint32_t kOsxsave = 1u << 27;
  CpuFeatures features;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  __get_cpuid(1, &a, &b, &c, &d);
  const bool has_xcr0 = (c & kOsxsave) != 0;
  features.words[0] = pair(c & ~kHypervisor, d);
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    features.words[1] = pair(b, c & ~0x3e0000u);  // MAWAU is a number, not features
    features.words[2] = d;
  }
  if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0) features.words[3] = pair(c, d);
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) features.words[4] = a;
  if (has_xcr0) features.words[5] = read_xcr0();
  if (has_xcr0 && __get_cpuid_count(0xd, 1, &a, &b, &c, &d) != 0) features.words[6] = a;
  return features;
}

std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present) {
  return x86_64::missing_features(needed, present);
}

// The frames of signals follow from the features of the CPU here.
const size_t kFrameSearch = 0;
void add_frame_features(std::span<const uint8_t>, CpuFeatures&) {}
const char* frame_problem(const CpuFeatures&) {
  return nullptr;
}

}  // namespace thaw::arch
