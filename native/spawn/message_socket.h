// What a process that was started says on a unix datagram socket (sd_notify(3),
// thaw_checkpoint()). Node has none of these.
#pragma once

#include <string>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::spawn {

class MessageSocket {
 public:
  /// Makes the socket at `path`, where any user may write to it.
  static Result<MessageSocket> make(std::string path);

  /// Blocks until a message with `text` in it has come. Removing the socket's file ends the wait
  /// with an error.
  Result<std::string> await(const std::string& text);

 private:
  MessageSocket(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  Result<std::string> receive();

  std::string path_;
  UniqueFd fd_;
};

}  // namespace thaw::spawn
