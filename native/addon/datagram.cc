// receiveDatagram(path): one message on a unix datagram socket (sd_notify(3), thaw_checkpoint());
// Node has none of these.
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "addon/addon.h"
#include "support/unique_fd.h"

namespace thaw::addon {
namespace {

/// Waits in a worker thread. Removing the socket's file ends the wait with an error.
class DatagramWorker : public Napi::AsyncWorker {
 public:
  DatagramWorker(Napi::Env env, std::string path, std::string text, UniqueFd fd)
      : AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        path_(std::move(path)),
        text_(std::move(text)),
        fd_(std::move(fd)) {}
  Napi::Promise promise() { return deferred_.Promise(); }

 protected:
  void Execute() override {
    while (message_.find(text_) == std::string::npos)
      if (!receive()) return;
  }
  void OnOK() override { deferred_.Resolve(Napi::String::New(Env(), message_)); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  bool receive() {
    constexpr int kLookMs = 100;
    pollfd poller = {fd_.get(), POLLIN, 0};
    while (poll(&poller, 1, kLookMs) <= 0) {
      if (access(path_.c_str(), F_OK) == 0) continue;
      SetError("no longer waiting on " + path_);
      return false;
    }
    char bytes[4096];
    const ssize_t size = recv(fd_.get(), bytes, sizeof(bytes), 0);
    if (size < 0) SetError("cannot receive on " + path_ + ": " + strerror(errno));
    message_.assign(bytes, size < 0 ? 0 : static_cast<size_t>(size));
    return size >= 0;
  }

  Napi::Promise::Deferred deferred_;
  std::string path_, text_, message_;
  UniqueFd fd_;
};

Result<UniqueFd> bind_socket(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return Error{ENAMETOOLONG, "the socket's path is too long: " + path};
  memcpy(address.sun_path, path.c_str(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return errno_error("cannot listen on " + path);
  chmod(path.c_str(), 0777);  // The app may run as another user.
  return fd;
}

}  // namespace

Napi::Value receive_datagram(const Napi::CallbackInfo& info) {
  const std::string path = info[0].ToString();
  auto fd = bind_socket(path);
  if (!fd) throw to_js(info.Env(), fd.error());
  auto* worker = new DatagramWorker(info.Env(), path, info[1].ToString(), fd.take());
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace thaw::addon
