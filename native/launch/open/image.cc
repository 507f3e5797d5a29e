#include "launch/open/image.h"

#include "launch/check/owner.h"

namespace thaw::launch {

Result<image::View> open_image(const char* path) {
  auto view = image::View::open(path);
  if (view) THAW_TRY(check_owner(view.value().fd(), path));
  return view;
}

Result<void> move_image(image::View& view, const DescriptorRoom& room) {
  UniqueFd fd = view.take_fd();
  THAW_TRY(room.move(fd));
  view.set_fd(std::move(fd));
  return {};
}

}  // namespace thaw::launch
