// ARMv7 as every CPU knows it: its number and the names of its features (HWCAP bits).
#include "arch/cpus.h"
#include "arch/feature_bits.h"

namespace thaw::arch::armv7 {
namespace {

enum Word { kHwcap, kHwcap2 };

constexpr const char* kHwcapNames[64] = {
    "swp",      "half", "thumb",   "26bit",   "fastmult", "fpa",       "vfp",
    "edsp",     "java", "iwmmxt",  "crunch",  "thumbee",  "neon",      "vfpv3",
    "vfpv3d16", "tls",  "vfpv4",   "idiva",   "idivt",    "vfpd32",    "lpae",
    "evtstrm",  "fphp", "asimdhp", "asimddp", "asimdfhm", "asimdbf16", "i8mm"};
constexpr const char* kHwcap2Names[64] = {"aes", "pmull", "sha1", "sha2", "crc32", "sb", "ssbs"};

std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present) {
  std::string names;
  append_bits(names, needed.words[kHwcap] & ~present.words[kHwcap], kHwcapNames, "hwcap");
  append_bits(names, needed.words[kHwcap2] & ~present.words[kHwcap2], kHwcap2Names, "hwcap2");
  return names;
}

}  // namespace

const Cpu kCpu = {3, "armv7", missing_features};

}  // namespace thaw::arch::armv7
