// AArch64 as every CPU knows it: its number and the names of its features.
#include "arch/cpus.h"
#include "arch/feature_bits.h"

namespace thaw::arch::aarch64 {
namespace {

enum Word { kHwcap, kHwcap2, kCacheType, kZeroBlock, kVectorLength };

constexpr const char* kHwcapNames[64] = {
    "fp",      "asimd", "evtstrm", "aes",   "pmull",    "sha1",   "sha2", "crc32",
    "atomics", "fphp",  "asimdhp", "cpuid", "asimdrdm", "jscvt",  "fcma", "lrcpc",
    "dcpop",   "sha3",  "sm3",     "sm4",   "asimddp",  "sha512", "sve",  "asimdfhm",
    "dit",     "uscat", "ilrcpc",  "flagm", "ssbs",     "sb",     "paca", "pacg"};
constexpr const char* kHwcap2Names[64] = {
    "dcpodp", "sve2",    "sveaes",   "svepmull", "svebitperm", "svesha3", "svesm4", "flagm2",
    "frint",  "svei8mm", "svef32mm", "svef64mm", "svebf16",    "i8mm",    "bf16",   "dgh",
    "rng",    "bti",     "mte",      "ecv",      "afp",        "rpres",   "mte3",   "sme"};

/// Code that maintains caches by the smaller lines of the image's CPU still does its work here; by
/// larger ones it skips some.
void append_cache(std::string& names, uint64_t needed, uint64_t present) {
  constexpr uint64_t kLine = 0xf;
  constexpr int kInstructionLine = 0, kDataLine = 16, kNoCleaning = 28, kNoInvalidation = 29;
  for (const int shift : {kInstructionLine, kDataLine})
    if ((needed >> shift & kLine) > (present >> shift & kLine)) {
      const char* which = shift == kDataLine ? "data" : "instruction";
      append_name(names, std::string(which) + " cache lines of " +
                             std::to_string(4 << (needed >> shift & kLine)) + " bytes");
    }
  for (const int bit : {kNoCleaning, kNoInvalidation})
    if ((needed >> bit & 1) > (present >> bit & 1))
      append_name(names, bit == kNoCleaning ? "ctr idc" : "ctr dic");
}

void append_different(std::string& names, const char* what, uint64_t needed, uint64_t present) {
  if (needed != present)
    append_name(names, std::string(what) + " " + std::to_string(needed) + " (here " +
                           std::to_string(present) + ")");
}

std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present) {
  std::string names;
  append_bits(names, needed.words[kHwcap] & ~present.words[kHwcap], kHwcapNames, "hwcap");
  append_bits(names, needed.words[kHwcap2] & ~present.words[kHwcap2], kHwcap2Names, "hwcap2");
  append_cache(names, needed.words[kCacheType], present.words[kCacheType]);
  append_different(names, "zeroing block size", needed.words[kZeroBlock],
                   present.words[kZeroBlock]);
  if (needed.words[kVectorLength] != 0)
    append_different(names, "SVE vector length", needed.words[kVectorLength],
                     present.words[kVectorLength]);
  return names;
}

}  // namespace

const Cpu kCpu = {2, "aarch64", missing_features};

}  // namespace thaw::arch::aarch64
