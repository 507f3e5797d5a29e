#include "checkpoint/plan/fork_detectors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "support/file.h"

namespace thaw::checkpoint {
namespace {

constexpr bool k64Bits = sizeof(long) == 8;

/// Where a generator of OpenSSL has what, counted from its fork_id.
struct DrbgLayout {
  size_t strength, max_request;  ///< an int and a size_t; two more sizes follow
};
/// struct prov_drbg_st of OpenSSL 3 (providers/implementations/rands/drbg_local.h) and rand_drbg_st
/// of 1.1.1 (crypto/rand/rand_lcl.h).
constexpr DrbgLayout kDrbgLayouts[] = {
    {8, k64Bits ? 16u : 12u},
    {k64Bits ? 24u : 16u, k64Bits ? 32u : 20u},
};
constexpr size_t kDrbgReach = 64;

/// They keep the pid in their own data.
constexpr std::string_view kLibraries[] = {"libgcrypt.so", "libbsd.so", "libsodium.so"};

using Reach = std::array<uint8_t, kDrbgReach>;

template <typename T>
T load(const Reach& bytes, size_t at) {
  T value;
  memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

/// `bytes` begin with what may be a fork_id.
bool is_drbg(const Reach& bytes, const DrbgLayout& layout) {
  constexpr unsigned long kMaxRequest = 1 << 16, kMostEntropy = 4096;
  constexpr uint32_t kStrengths[] = {112, 128, 192, 256};
  const auto strength = load<uint32_t>(bytes, layout.strength);
  const auto least = load<unsigned long>(bytes, layout.max_request + sizeof(long));
  const auto most = load<unsigned long>(bytes, layout.max_request + 2 * sizeof(long));
  return std::find(std::begin(kStrengths), std::end(kStrengths), strength) !=
             std::end(kStrengths) &&
         load<unsigned long>(bytes, layout.max_request) == kMaxRequest && least != 0 &&
         least <= kMostEntropy && most >= least;
}

bool is_listed(const Vma& vma) {
  return vma.is_file() && std::any_of(std::begin(kLibraries), std::end(kLibraries),
                                      [name = base_name(vma.path)](std::string_view library) {
                                        return name.substr(0, library.size()) == library;
                                      });
}

}  // namespace

ForkDetectors::ForkDetectors(const ProcessCapture& process, OpensslVersions& versions)
    : process_(process), unknown_openssl_(versions.has_unknown(process.vmas)) {
  library_ = std::any_of(process.vmas.begin(), process.vmas.end(), is_listed);
}

ForkDetectors::Keeper ForkDetectors::keeper_of(uint64_t address) const {
  Reach bytes = {};
  if (process_.memory.read(address, bytes.data(), bytes.size()) &&
      std::any_of(std::begin(kDrbgLayouts), std::end(kDrbgLayouts),
                  [&bytes](const DrbgLayout& layout) { return is_drbg(bytes, layout); }))
    return Keeper::openssl;
  // A library's zeroed data lies in anonymous memory behind its file's.
  const Vma* vma = library_ ? process_.mapping(address) : nullptr;
  while (vma != nullptr && vma->path.empty() && vma != process_.vmas.data() &&
         (vma - 1)->end == vma->start)
    --vma;
  return vma != nullptr && is_listed(*vma) ? Keeper::library : Keeper::nobody;
}

}  // namespace thaw::checkpoint
