// One connection of an app through the relay: both ends, and what is on its way.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "fd/socket.h"
#include "session/protocol.h"
#include "session/record/recorder.h"
#include "support/unique_fd.h"

namespace thaw::session {

class Channel {
 public:
  /// `door`: a listening socket; `server`: connected.
  Channel(pid_t app, UniqueFd door, fd::SocketAddress door_address, UniqueFd server,
          fd::SocketAddress server_address)
      : app_pid_(app),
        door_(std::move(door)),
        door_address_(door_address),
        server_(std::move(server)),
        server_address_(server_address) {}

  /// What it waits for.
  void add_polls(std::vector<pollfd>& polls) const;
  /// Moves what has come. False: both ends are closed.
  bool step();
  /// While it is held, nothing more comes to the app.
  void hold(bool held) { held_ = held; }
  /// What the app has sent and nobody has read yet.
  void drain_app();

  [[nodiscard]] uint64_t inode() const;
  [[nodiscard]] bool is_door(const fd::SocketAddress& address) const;
  [[nodiscard]] const fd::SocketAddress& server_address() const { return server_address_; }
  [[nodiscard]] const Protocol* protocol() const { return protocol_; }
  [[nodiscard]] Recorder* recorder() const { return recorder_.get(); }
  /// A moment, for what the server says at once to what it was sent.
  void await_answers();
  /// Something is half on its way.
  [[nodiscard]] bool is_busy() const {
    return !to_server_.empty() || (!to_app_.empty() && to_app_.front().sent > 0);
  }
  /// Nothing is under way, and the app has read all that it was told. It may run meanwhile.
  [[nodiscard]] bool is_at_rest() const;
  /// What the server has said and the app has not been told.
  [[nodiscard]] std::string untold() const;

 private:
  struct Piece {
    std::string bytes;
    std::vector<UniqueFd> fds;
    size_t sent = 0;
    bool recorded = false;  ///< of those for the app
  };
  using Queue = std::deque<Piece>;
  enum class Read : uint8_t { piece, nothing, end };

  void enter();
  static Read read(int fd, Piece& piece);
  static bool flush(int fd, Queue& queue);
  bool tell_app();
  bool from_app();
  bool from_server();

  pid_t app_pid_;
  UniqueFd door_;
  fd::SocketAddress door_address_;
  UniqueFd app_, server_;
  fd::SocketAddress server_address_;
  const Protocol* protocol_ = nullptr;
  std::unique_ptr<Recorder> recorder_;
  std::string first_;  ///< until it is known what is spoken
  Queue to_app_, to_server_;
  std::vector<UniqueFd> spare_;  ///< that came with bytes which the app is not told
  bool held_ = false;
  bool app_ended_ = false, server_ended_ = false;
};

}  // namespace thaw::session
