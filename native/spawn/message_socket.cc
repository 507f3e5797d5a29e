#include "spawn/message_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/unix_address.h"

namespace thaw::spawn {

Result<MessageSocket> MessageSocket::make(std::string path) {
  const auto address = unix_address(path);
  if (!address) return Error{ENAMETOOLONG, "the socket's path is too long: " + path};
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || bind(fd.get(), address->get(), address->size) != 0)
    return errno_error("cannot listen on " + path);
  chmod(path.c_str(), 0777);  // The app may run as another user.
  return MessageSocket(std::move(path), std::move(fd));
}

Result<std::string> MessageSocket::receive() {
  constexpr int kLookMs = 100;
  pollfd poller = {fd_.get(), POLLIN, 0};
  while (poll(&poller, 1, kLookMs) <= 0)
    if (access(path_.c_str(), F_OK) != 0) return Error{0, "no longer waiting on " + path_};
  char bytes[4096];
  const ssize_t size = recv(fd_.get(), bytes, sizeof(bytes), 0);
  if (size < 0) return errno_error("cannot receive on " + path_);
  return std::string(bytes, static_cast<size_t>(size));
}

Result<std::string> MessageSocket::await(const std::string& text) {
  for (;;) {
    THAW_ASSIGN(message, receive());
    if (message.find(text) != std::string::npos) return message;
  }
}

}  // namespace thaw::spawn
