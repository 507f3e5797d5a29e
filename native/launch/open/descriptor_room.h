// Numbers for descriptors of ours: above all that the app uses, so that none stands in its way.
#pragma once

#include "image/view.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::launch {

/// The first number that no descriptor of any of the app's processes has, nor any above it.
int first_free_number(const image::View& view);

class DescriptorRoom {
 public:
  explicit DescriptorRoom(const image::View& view) : first_(first_free_number(view)) {}

  /// True for a number of the app's, or below one.
  [[nodiscard]] bool in_the_way(int number) const { return number < first_; }

  /// Moves the descriptor into the room, if it is not there; where that fails, it stays.
  Result<void> move(UniqueFd& fd) const;

  /// A copy in the room of a descriptor that stays where it is; -1 with errno if there can be none.
  [[nodiscard]] int copy(int fd) const;

 private:
  int first_;
};

}  // namespace thaw::launch
