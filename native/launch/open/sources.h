// The files and memory objects that the app maps, opened and identified.
#pragma once

#include <vector>

#include "launch/prepare/descriptors.h"

namespace thaw::launch {

/// A descriptor per MapSource; they live above the app's numbers and are closed at commit.
class Sources {
 public:
  /// `training`: path of the image that a launch trains; null: it trains none.
  Result<void> open(const image::View& view, Descriptors& descriptors, const char* training);
  [[nodiscard]] const std::vector<int>& fds() const { return fds_; }
  /// Of a file that is mapped for reading; -1: there is none.
  [[nodiscard]] int fd_of(const image::View& view, model::Index file) const;

 private:
  std::vector<UniqueFd> owned_;
  std::vector<int> fds_;
};

}  // namespace thaw::launch
