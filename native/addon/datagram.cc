// receiveDatagram(path, text): the first message with the text in it, on a unix datagram socket.
// sendDatagram(path, text): one message to such a socket; a path that begins with @ is an abstract one.
// Node.js has no datagram sockets of this family.
#include <sys/socket.h>

#include "addon/addon.h"
#include "addon/background.h"
#include "spawn/message_socket.h"
#include "support/unique_fd.h"
#include "support/unix_address.h"

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
  const auto address = unix_address(path);
  if (!address) return Error{ENAMETOOLONG, "the socket's path is too long: " + path};
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  // Never waits for a receiver that is slow.
  if (!fd.valid() || sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                            address->get(), address->size) < 0)
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
