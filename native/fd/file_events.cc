#include "fd/file_events.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

namespace thaw::fd {

Result<void> refuse_unread_events(const Probe& probe, policy::Type type) {
  int unread = 0;
  if (ioctl(probe.copy.get(), FIONREAD, &unread) != 0)
    return errno_error(describe(probe) + ": cannot tell its unread events");
  if (unread == 0) return {};
  return refuse(probe, "has events that the app has not read",
                "let the app read them (a longer [warmup] settle), or " +
                    policy::suggestion(type, probe.link, policy::kCloseOrIgnore));
}

Result<UniqueFd> open_without_watches(Opener&, const model::OpenFile& file) {
  UniqueFd fd(inotify_init1(IN_CLOEXEC | ((file.flags & O_NONBLOCK) != 0 ? IN_NONBLOCK : 0)));
  if (!fd.valid()) return errno_error("cannot make an inotify descriptor");
  return fd;
}

}  // namespace thaw::fd
