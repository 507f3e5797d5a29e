// System V semaphores and message queues of the app, which keeps their ids: a launch finds them as they
// are, or makes them with the same ids.
#pragma once

#include <span>
#include <vector>

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

class IpcObjects {
 public:
  IpcObjects() = default;
  IpcObjects(const IpcObjects&) = delete;
  IpcObjects& operator=(const IpcObjects&) = delete;
  /// Removes what was made: a launch that is given up leaves nothing.
  ~IpcObjects();

  /// Whether open() may do what other processes can see.
  [[nodiscard]] static bool are_seen_outside(const image::View& view);

  /// An error where one is there that is not the app's, or where one is missing that this caller
  /// cannot make.
  Result<void> open(const image::View& view);

  struct Made {
    int id;
    bool queue;
  };
  [[nodiscard]] std::span<const Made> made() const { return made_; }

 private:
  Result<void> make(const image::View& view, const model::Object& object);

  std::vector<Made> made_;
};

}  // namespace thaw::launch
