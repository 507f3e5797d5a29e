// Names of ARMv7's CPU features (HWCAP bits). Compiled for every CPU.
#include "arch/feature_names.h"

namespace thaw::arch::arm {
namespace {

enum Word { kHwcap, kHwcap2 };

constexpr const char* kHwcapNames[64] = {
    "swp",      "half", "thumb",   "26bit",   "fastmult", "fpa",       "vfp",
    "edsp",     "java", "iwmmxt",  "crunch",  "thumbee",  "neon",      "vfpv3",
    "vfpv3d16", "tls",  "vfpv4",   "idiva",   "idivt",    "vfpd32",    "lpae",
    "evtstrm",  "fphp", "asimdhp", "asimddp", "asimdfhm", "asimdbf16", "i8mm"};
constexpr const char* kHwcap2Names[64] = {"aes", "pmull", "sha1", "sha2", "crc32", "sb", "ssbs"};

void append_bits(std::string& names, uint64_t missing, const char* const (&known)[64],
                 const char* word) {
  for (int bit = 0; bit < 64; ++bit) {
    if ((missing >> bit & 1) == 0) continue;
    names += names.empty() ? "" : ", ";
    names +=
        known[bit] != nullptr ? std::string(known[bit]) : word + (" bit " + std::to_string(bit));
  }
}

}  // namespace

std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present) {
  std::string names;
  append_bits(names, needed.words[kHwcap] & ~present.words[kHwcap], kHwcapNames, "hwcap");
  append_bits(names, needed.words[kHwcap2] & ~present.words[kHwcap2], kHwcap2Names, "hwcap2");
  return names;
}

}  // namespace thaw::arch::arm
