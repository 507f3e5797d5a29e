#include "launch/open/shared_objects.h"

#include <unistd.h>

#include "fd/shared_memory.h"
#include "fd/unix_name.h"

namespace thaw::launch {

SharedObjects::SharedObjects(const image::View& view, const DescriptorRoom& room)
    : view_(view), room_(room), sides_(view.objects().size(), {{-1, -1}}) {}

SharedObjects::~SharedObjects() {
  for (const fd::Opener::Side& side : sides_)
    for (const int number : side.fd)
      if (number >= 0) {
        fd::remove_socket_file(number);
        close(number);
      }
}

Result<int> SharedObjects::memory(model::Index object) {
  fd::Opener opener = {view_, view_.root_process(), sides_, {}};
  THAW_TRY(fd::open_memory(opener, object));
  THAW_TRY(make_room(sides_[object]));
  return sides_[object].fd[0];
}

Result<void> SharedObjects::make_room() {
  for (fd::Opener::Side& side : sides_) THAW_TRY(make_room(side));
  return {};
}

Result<void> SharedObjects::make_room(fd::Opener::Side& side) const {
  for (int& end : side.fd) {
    if (end < 0 || !room_.in_the_way(end)) continue;
    UniqueFd moved(std::exchange(end, -1));
    THAW_TRY(room_.move(moved));
    end = moved.release();
  }
  return {};
}

}  // namespace thaw::launch
