#include "launch/prepare/ready_message.h"

#include <sys/socket.h>
#include <sys/time.h>

#include "launch/check/environment.h"
#include "support/unix_address.h"

namespace thaw::launch {

Result<void> ReadyMessage::open(const ExecCall& call, const DescriptorRoom& room) {
  const char* path = call.says_ready ? callers_value(call, "NOTIFY_SOCKET") : nullptr;
  if (path == nullptr) return {};
  const auto address = unix_address(path);
  if ((*path != '/' && *path != '@') || !address)
    return Error{0, "$NOTIFY_SOCKET is no address of a unix socket",
                 "leave out --notify, or Type=notify of the unit"};
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno_error("cannot make a socket for $NOTIFY_SOCKET");
  if (connect(fd.get(), address->get(), address->size) != 0)
    return errno_error("cannot connect to $NOTIFY_SOCKET");
  // Who does not read it would hold the launch up at its commit, where signals are blocked.
  constexpr timeval kPatience = {1, 0};
  if (setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience)) != 0)
    return errno_error("cannot limit the time to tell $NOTIFY_SOCKET");
  THAW_TRY(room.move(fd));
  socket_ = std::move(fd);
  return {};
}

}  // namespace thaw::launch
