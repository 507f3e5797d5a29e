// receiveDatagram(path, text): the first message with the text in it, on a unix datagram socket.
#include "addon/addon.h"
#include "addon/background.h"
#include "spawn/message_socket.h"

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

}  // namespace thaw::addon
