// CPU features of x86-64 as user space sees them (CPUID, XCR0; Intel SDM volume 2, CPUID).
#include <cpuid.h>

#include <cstdio>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

struct Name {
  int word;
  int bit;
  const char* name;
};

// The ones that code generators and libraries choose by; others are named by word and bit.
constexpr Name kNames[] = {
    {0, 0, "sse3"},      {0, 1, "pclmulqdq"},   {0, 9, "ssse3"},    {0, 12, "fma"},
    {0, 19, "sse4.1"},   {0, 20, "sse4.2"},     {0, 22, "movbe"},   {0, 23, "popcnt"},
    {0, 25, "aes"},      {0, 26, "xsave"},      {0, 28, "avx"},     {0, 29, "f16c"},
    {0, 30, "rdrand"},   {1, 3, "bmi1"},        {1, 5, "avx2"},     {1, 8, "bmi2"},
    {1, 9, "erms"},      {1, 11, "rtm"},        {1, 16, "avx512f"}, {1, 17, "avx512dq"},
    {1, 18, "rdseed"},   {1, 19, "adx"},        {1, 29, "sha"},     {1, 30, "avx512bw"},
    {1, 31, "avx512vl"}, {1, 33, "avx512vbmi"}, {1, 41, "vaes"},    {1, 42, "vpclmulqdq"},
    {2, 4, "fsrm"},      {3, 5, "lzcnt (abm)"},
};

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
  std::string names;
  for (int word = 0; word < 8; ++word) {
    const uint64_t missing = needed.words[word] & ~present.words[word];
    for (int bit = 0; bit < 64; ++bit) {
      if ((missing >> bit & 1) == 0) continue;
      char name[32];
      snprintf(name, sizeof(name), "cpuid word %d bit %d", word, bit);
      const char* known = name;
      for (const Name& n : kNames)
        if (n.word == word && n.bit == bit) known = n.name;
      names += (names.empty() ? "" : ", ") + std::string(known);
    }
  }
  return names;
}

}  // namespace thaw::arch
