// Stands between an app and a server while the app warms up, and records their conversation. The
// app's own connection leads here: at a launch it is made anew, straight to the server.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fd/socket.h"
#include "policy/policy.h"
#include "session/protocol.h"
#include "session/record/channel.h"
#include "session/record/recorder.h"
#include "support/unique_fd.h"

namespace thaw::session {

class Relay {
 public:
  explicit Relay(policy::Policies policies);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  /// Whether the profile wants conversations with that address replayed.
  [[nodiscard]] bool wants(const std::string& address) const;

  /// Connects to the server with the rights of the thread `tid`, and returns an address of the same
  /// size, of a socket that leads there for who connects to it next from the process `app`.
  Result<fd::SocketAddress> open_door(pid_t app, pid_t tid, const fd::SocketAddress& server);
  /// Nobody has come.
  void close_door(const fd::SocketAddress& door);

  /// While it is held, nothing more comes to the app: it is about to be frozen.
  void hold(bool held);

  /// Whether nothing is under way between the app, which may run, and any server.
  [[nodiscard]] bool is_at_rest();

  /// What a socket of the app's leads to.
  struct Known {
    const Protocol* protocol = nullptr;
    fd::SocketAddress server;
    Result<Recorded> recorded;
  };
  /// `inode`: of the socket that the app's is connected to; `others`: its other processes. All are
  /// frozen. Null: none of ours.
  std::unique_ptr<Known> known(uint64_t inode, pid_t app, std::span<const pid_t> others);

 private:
  void run();
  void wake() const;

  policy::Policies policies_;
  UniqueFd wake_;
  std::mutex mutex_;  ///< guards those below
  std::vector<std::unique_ptr<Channel>> channels_;
  bool ended_ = false;
  std::thread thread_;
};

/// Holds a relay, if there is one, as long as it lives.
class Hold {
 public:
  explicit Hold(Relay* relay) : relay_(relay) {
    if (relay_ != nullptr) relay_->hold(true);
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (relay_ != nullptr) relay_->hold(false);
  }

 private:
  Relay* relay_;
};

}  // namespace thaw::session
