// receiveDatagram(path, text): the first message with the text in it, on a unix datagram socket.
// sendDatagram(path, text): one message to such a socket; a path that begins with @ is an abstract one.
// Node.js has no datagram sockets of this family.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>

#include "addon/addon.h"
#include "addon/background.h"
#include "spawn/message_socket.h"
#include "support/unique_fd.h"

namespace thaw::addon {

Napi::Value receive_datagram(const Napi::CallbackInfo& info) {
  auto made = spawn::MessageSocket::make(info[0].ToString());
  if (!made) throw to_js(info.Env(), made.error());
  // Shared, as std::function wants to be copied.
  auto socket = std::make_shared<spawn::MessageSocket>(made.take());
  return Background<std::string>::promise(
      info.Env(), [socket, text = info[1].ToString().Utf8Value()] { return socket->await(text); },
      [](Napi::Env env, const std::string& message) { return Napi::String::New(env, message); });
}

namespace {

Result<void> send(const std::string& path, const std::string& text) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return Error{ENAMETOOLONG, "the socket's path is too long: " + path};
  std::copy(path.begin(), path.end(), address.sun_path);
  if (path.starts_with('@')) address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  // Never waits for a receiver that is slow.
  if (!fd.valid() || sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                            reinterpret_cast<const sockaddr*>(&address), size) < 0)
    return errno_error("cannot send to " + path);
  return {};
}

}  // namespace

Napi::Value send_datagram(const Napi::CallbackInfo& info) {
  const auto sent = send(info[0].ToString(), info[1].ToString());
  if (!sent) throw to_js(info.Env(), sent.error());
  return info.Env().Undefined();
}

}  // namespace thaw::addon
