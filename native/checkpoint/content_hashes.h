// Hashes of the content of the files that a process maps. To read a program of 100 MB takes long:
// it is done before the freeze, and again only for what has changed since.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "inputs/inputs.h"
#include "proc/vma.h"

namespace thaw::checkpoint {

class ContentHashes {
 public:
  /// Reads what is mapped, but for what no launch would read, and for those among `known`, whose
  /// hashes are there already.
  void read_ahead(std::span<const proc::Vma> mappings, const std::vector<inputs::Input>& known);

  /// Of the regular file at `fd`, whose position moves; none: it cannot be read.
  [[nodiscard]] std::optional<uint64_t> of(int fd) const;

 private:
  /// A file as long as nobody changes it.
  struct Version {
    uint64_t dev, ino, size;
    int64_t mtime_ns, ctime_ns;
    auto operator<=>(const Version&) const = default;
  };
  static Version version_of(const struct stat& status);
  static bool tells_changes(const char* path, const Version& version);
  void read(const char* path);

  std::map<Version, uint64_t> hashes_;
};

}  // namespace thaw::checkpoint
