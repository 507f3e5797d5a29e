// The inputs of an image, those that a root identity may stand for last.
#pragma once

#include <cstdint>
#include <span>

#include "image/view.h"

namespace thaw::image {

class InputRows {
 public:
  InputRows(std::span<const model::Input> first, std::span<const model::Input> on_root)
      : first_(first), on_root_(on_root) {}

  /// All that the view has read.
  explicit InputRows(const View& view) : InputRows(view.inputs(), view.root_inputs()) {}

  [[nodiscard]] uint32_t size() const {
    return static_cast<uint32_t>(first_.size() + on_root_.size());
  }
  const model::Input& operator[](uint32_t i) const {
    return i < first_.size() ? first_[i] : on_root_[i - first_.size()];
  }

 private:
  std::span<const model::Input> first_, on_root_;
};

}  // namespace thaw::image
