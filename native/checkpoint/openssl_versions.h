// Which mappings of a process hold a library of the OpenSSL family whose version is not known. To
// read all code from a cold disk takes seconds: it is read before the freeze, and what was mapped
// since then afterwards.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>

#include "proc/vma.h"

namespace thaw::checkpoint {

class OpensslVersions {
 public:
  /// Looks through what the mappings have read-only of files with code, where that was not done
  /// before.
  bool has_unknown(std::span<const proc::Vma> vmas);

 private:
  /// A part of a file.
  struct Part {
    uint64_t dev, ino, offset, size;
    auto operator<=>(const Part&) const = default;
  };

  std::map<Part, bool> unknown_;  ///< of those that were looked through
};

}  // namespace thaw::checkpoint
