// Which paths lead nowhere but into one file system.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>

namespace thaw::inputs {

class OnRoot {
 public:
  /// `mount`: 0, or the only mount of it that counts, by its id.
  OnRoot(dev_t device, uint64_t mount) : device_(device), mount_(mount) {}

  /// Whether the way to `path` enters the file system, by folders alone, and does not leave it, links
  /// followed (the last one if `follow`). What is not there counts where it would be.
  bool holds(const std::string& path, bool follow);
  /// The first two parts of all ways that it has told of, each ended by NUL: what is mounted there
  /// can change them.
  [[nodiscard]] std::string folders() const;

 private:
  /// Whether what is there, not followed, lies in it. Leaves `mode` where there is nothing.
  bool is_inside(const std::string& path, uint32_t& mode) const;

  dev_t device_;
  uint64_t mount_;
  std::set<std::string> folders_;
};

}  // namespace thaw::inputs
