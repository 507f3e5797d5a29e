#include "launch/prepare/way_back.h"

#include <fcntl.h>

namespace thaw::launch {
namespace {

Result<UniqueFd> open_in(const DescriptorRoom& room, const char* path, int flags,
                         const char* problem) {
  UniqueFd fd(::open(path, O_PATH | O_CLOEXEC | flags));
  if (!fd.valid()) return errno_error(problem);
  THAW_TRY(room.move(fd));
  return fd;
}

}  // namespace

Result<void> WayBack::open(const image::View& view, const DescriptorRoom& room,
                           const TimeNamespace& clocks) {
  const model::Process& process = view.root_process();
  if ((process.flags & model::kCwdMoved) != 0) {
    THAW_ASSIGN(cwd, open_in(room, ".", O_DIRECTORY, "cannot keep the caller's folder"));
    cwd_ = std::move(cwd);
  }
  // A process with threads cannot change its time namespace (setns(2)), and the feeder is one.
  if (clocks.callers() >= 0 && process.threads.count > 1) {
    THAW_ASSIGN(launcher, open_in(room, "/proc/self/exe", 0, "cannot find thaw-exec itself"));
    launcher_ = std::move(launcher);
  }
  return {};
}

}  // namespace thaw::launch
