// Which paths lead nowhere but into one file system.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

namespace thaw::inputs {

class OnRoot {
 public:
  explicit OnRoot(dev_t device) : device_(device) {}

  /// Whether the way to `path` enters the file system, by folders alone, and does not leave it, links
  /// followed (the last one if `follow`). What is not there counts where it would be.
  bool holds(const std::string& path, bool follow);
  /// The first two parts of all ways that it has told of, each ended by NUL: what is mounted there
  /// can change them.
  [[nodiscard]] std::string folders() const;

 private:
  dev_t device_;
  std::set<std::string> folders_;
};

}  // namespace thaw::inputs
