#include "launch/open/image.h"

namespace thaw::launch {

Result<image::View> open_image(const char* path, bool read_ahead) {
  return image::View::open(path, read_ahead);
}

Result<void> move_image(image::View& view, const DescriptorRoom& room) {
  UniqueFd fd = view.take_fd();
  THAW_TRY(room.move(fd));
  view.set_fd(std::move(fd));
  return {};
}

}  // namespace thaw::launch
