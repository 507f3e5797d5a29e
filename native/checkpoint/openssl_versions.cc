#include "checkpoint/openssl_versions.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/unique_fd.h"

namespace thaw::checkpoint {
namespace {

using proc::Vma;

/// Those with a layout that fork_detectors.cc knows.
constexpr std::string_view kKnownVersions[] = {"OpenSSL 3.", "OpenSSL 1.1.1"};

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

/// Those of the files that hold code.
std::set<std::string> code_files(std::span<const Vma> vmas) {
  std::set<std::string> files;
  for (const Vma& vma : vmas)
    if (vma.is_file() && !vma.deleted && (vma.prot & PROT_EXEC) != 0) files.insert(vma.path);
  return files;
}

}  // namespace

bool OpensslVersions::has_unknown(std::span<const Vma> vmas) {
  const std::set<std::string> files = code_files(vmas);
  for (const Vma& vma : vmas) {
    if ((vma.prot & PROT_WRITE) != 0 || files.count(vma.path) == 0) continue;
    const auto [part, is_new] = unknown_.try_emplace({vma.dev, vma.ino, vma.offset, vma.size()});
    if (is_new) {
      const UniqueFd file(open(vma.path.c_str(), O_RDONLY | O_CLOEXEC));
      part->second = file.valid() && has_unknown_openssl(vma, file.get());
    }
    if (part->second) return true;
  }
  return false;
}

}  // namespace thaw::checkpoint
