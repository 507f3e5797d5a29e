// The connection to a server while its conversation is played: with a time limit for all of it, and
// without taking from the socket what is meant for the app.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::session {

/// For connecting and playing together.
constexpr uint32_t kLimitMs = 2000;

class Stream {
 public:
  /// `fd`: a blocking stream socket that is not connected yet. The limit begins now.
  static Result<Stream> begin(int fd);

  /// `fd` is another such socket now, within the same limit.
  Result<void> begin_again();

  /// Within the limit. `name` is for messages.
  Result<void> connect(const sockaddr* address, socklen_t size, const std::string& name);
  Result<void> send(std::string_view bytes);
  /// The same, with a descriptor.
  Result<void> send(std::string_view bytes, int fd);
  /// What the server has sent and nobody has taken.
  [[nodiscard]] std::string_view seen() const { return seen_; }
  /// Copies of the descriptors with it, in their order. Taking what they came with leaves them.
  [[nodiscard]] const std::vector<UniqueFd>& seen_fds() const { return seen_fds_; }
  /// Waits for more of it. The end of the connection is an error.
  Result<void> see_more();
  /// Takes the first bytes of it from the socket.
  Result<void> take(size_t size);
  /// The socket's options are as they were again: nothing more can be done here.
  Result<void> end();

 private:
  explicit Stream(int fd) : fd_(fd) {}
  Result<void> wait_at_most_the_rest();
  Result<void> keep_fds(msghdr& message, bool cut);

  int fd_;
  uint64_t deadline_ns_ = 0;
  uint64_t set_ns_ = 0;  ///< when the socket's own limits were set last
  timeval receive_ = {}, send_ = {};
  int peek_ = -1;
  std::string seen_;
  std::vector<UniqueFd> seen_fds_;
  bool cut_ = false;  ///< the last look may have ended within what descriptors came with
};

}  // namespace thaw::session
