// x86-64 as every CPU knows it: its number and the names of its features (CPUID bits).
#include <cstdio>

#include "arch/cpus.h"

namespace thaw::arch::x86_64 {
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

}  // namespace

const Cpu kCpu = {1, "x86_64", missing_features};

}  // namespace thaw::arch::x86_64
