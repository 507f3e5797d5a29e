#include "launch/open/descriptor_room.h"

#include <fcntl.h>

#include <algorithm>

namespace thaw::launch {

int first_free_number(const image::View& view) {
  constexpr int kStandard = 3;  // 0, 1 and 2 are always the app's.
  int first = kStandard;
  for (const model::Fd& record : view.fds())
    first = std::max(first, static_cast<int>(record.number) + 1);
  return first;
}

int DescriptorRoom::copy(int fd) const {
  return fcntl(fd, F_DUPFD_CLOEXEC, first_);
}

Result<void> DescriptorRoom::move(UniqueFd& fd) const {
  if (!in_the_way(fd.get())) return {};
  UniqueFd moved(copy(fd.get()));
  if (!moved.valid()) return errno_error("cannot move a descriptor out of the way");
  fd = std::move(moved);
  return {};
}

}  // namespace thaw::launch
