// CPU features of x86-64 as user space sees them (CPUID, XCR0; Intel SDM volume 2, CPUID).
#include <cpuid.h>

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

struct Leaf {
  uint32_t a = 0, b = 0, c = 0, d = 0;

  explicit Leaf(uint32_t leaf, uint32_t subleaf = 0) { __cpuid_count(leaf, subleaf, a, b, c, d); }
};

}  // namespace

const Cpu& kThisCpu = x86_64::kCpu;

/// Asks no more than it must: under a hypervisor each CPUID is a trap of several microseconds.
/// Leaf 0x80000001 is there, as it tells of 64-bit code; leaf 13, and so leaf 7, with XSAVE.
CpuFeatures cpu_features() {
  constexpr uint32_t kHypervisor = 1u << 31;
  constexpr uint32_t kOsxsave = 1u << 27;
  const Leaf basic(1), amd(0x80000001);
  CpuFeatures features;
  features.words[0] = pair(basic.c & ~kHypervisor, basic.d);
  features.words[3] = pair(amd.c, amd.d);
  const bool has_xsave = (basic.c & kOsxsave) != 0;
  if (has_xsave) {
    features.words[5] = read_xcr0();
    features.words[6] = Leaf(13, 1).a;
  }
  if (has_xsave || Leaf(0).a >= 7) {
    const Leaf extended(7);
    features.words[1] = pair(extended.b, extended.c & ~0x3e0000u);  // MAWAU is a number
    features.words[2] = extended.d;
    if (extended.a >= 1) features.words[4] = Leaf(7, 1).a;
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
