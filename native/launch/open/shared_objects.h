// What several descriptors and mappings share: pipes, socket pairs, memory without a name. Each is
// made when it is first asked for.
#pragma once

#include <vector>

#include "fd/kind.h"
#include "image/view.h"
#include "launch/open/descriptor_room.h"
#include "support/result.h"

namespace thaw::launch {

/// Owns the descriptors of the objects; they live in the room.
class SharedObjects {
 public:
  SharedObjects(const image::View& view, const DescriptorRoom& room);
  SharedObjects(const SharedObjects&) = delete;
  SharedObjects& operator=(const SharedObjects&) = delete;
  ~SharedObjects();

  /// The memory of an object (memfd, deleted file).
  Result<int> memory(model::Index object);

  /// For the kinds, which make objects and take their sides.
  [[nodiscard]] std::span<fd::Opener::Side> sides() { return sides_; }

  /// Moves all that the kinds have made into the room.
  Result<void> make_room();

 private:
  Result<void> make_room(fd::Opener::Side& side) const;

  const image::View& view_;
  const DescriptorRoom& room_;
  std::vector<fd::Opener::Side> sides_;
};

}  // namespace thaw::launch
