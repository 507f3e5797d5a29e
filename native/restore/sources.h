// The files and memory objects that the app maps, opened and identified.
#pragma once

#include <vector>

#include "restore/descriptors.h"

namespace thaw::restore {

/// A descriptor per MapSource; they live above the app's numbers and are closed at commit.
class Sources {
 public:
  Result<void> open(const image::View& view, Descriptors& descriptors);
  [[nodiscard]] const std::vector<int>& fds() const { return fds_; }

 private:
  std::vector<UniqueFd> owned_;
  std::vector<int> fds_;
};

}  // namespace thaw::restore
