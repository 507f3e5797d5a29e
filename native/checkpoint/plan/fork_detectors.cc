#include "checkpoint/plan/fork_detectors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string_view>

#include "support/unique_fd.h"

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
constexpr std::string_view kKnownVersions[] = {"OpenSSL 3.", "OpenSSL 1.1.1"};

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

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_listed(const Vma& vma) {
  return vma.is_file() && std::any_of(std::begin(kLibraries), std::end(kLibraries),
                                      [name = base_name(vma.path)](std::string_view library) {
                                        return name.substr(0, library.size()) == library;
                                      });
}

/// Whether a version of a library stands at the start of `text` of whose generators too little is
/// known: OPENSSL_VERSION_TEXT, which ends with a date, or LibreSSL's.
bool is_unknown_version(const std::string& text) {
  const auto begins = [&text](std::string_view start) { return text.starts_with(start); };
  if (std::any_of(std::begin(kKnownVersions), std::end(kKnownVersions), begins)) return false;
  unsigned number = 0, day = 0, year = 0;
  char month[4];
  return sscanf(text.c_str(), "LibreSSL %u.", &number) == 1 ||
         sscanf(text.c_str(), "OpenSSL %u.%*s %u %3[A-Za-z] %u", &number, &day, month, &year) == 4;
}

/// Looks for versions in what `vma` maps of its file.
bool has_unknown_openssl(const Vma& vma, int file) {
  constexpr std::string_view kMark = "SSL ";
  constexpr size_t kBefore = 5, kText = 64, kChunk = 1 << 20;
  std::vector<char> chunk(kChunk);
  for (uint64_t done = 0; done < vma.size(); done += kChunk - kBefore - kText) {
    const size_t size = std::min<uint64_t>(kChunk, vma.size() - done);
    const ssize_t count = pread(file, chunk.data(), size, static_cast<off_t>(vma.offset + done));
    if (count <= 0) return false;
    const std::string_view all(chunk.data(), static_cast<size_t>(count));
    for (size_t at = all.find(kMark); at != all.npos; at = all.find(kMark, at + 1))
      for (const size_t before : {std::string_view("Open").size(), kBefore})
        if (at >= before && is_unknown_version(std::string(all.substr(at - before, kText))))
          return true;
  }
  return false;
}

/// The files of the process that hold code.
std::set<std::string> code_files(const ProcessCapture& process) {
  std::set<std::string> files;
  for (const Vma& vma : process.vmas)
    if (vma.is_file() && !vma.deleted && (vma.prot & PROT_EXEC) != 0) files.insert(vma.path);
  return files;
}

}  // namespace

ForkDetectors::ForkDetectors(const ProcessCapture& process) : process_(process) {
  library_ = std::any_of(process.vmas.begin(), process.vmas.end(), is_listed);
  const std::set<std::string> files = code_files(process);
  for (const Vma& vma : process.vmas) {
    if (unknown_openssl_ || (vma.prot & PROT_WRITE) != 0 || files.count(vma.path) == 0) continue;
    const UniqueFd file(open(vma.path.c_str(), O_RDONLY | O_CLOEXEC));
    unknown_openssl_ = file.valid() && has_unknown_openssl(vma, file.get());
  }
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
