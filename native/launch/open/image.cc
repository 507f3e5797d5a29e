#include "launch/open/image.h"

namespace thaw::launch {

Result<void> move_image(image::View& view, const DescriptorRoom& room) {
  UniqueFd fd = view.take_fd();
  THAW_TRY(room.move(fd));
  view.set_fd(std::move(fd));
  return {};
}

}  // namespace thaw::launch
