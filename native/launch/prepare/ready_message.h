// READY=1 for the service manager (sd_notify(3)): an app that has said it in its warm-up does not say it again.
#pragma once

#include "launch/exec_call.h"
#include "launch/open/descriptor_room.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::launch {

class ReadyMessage {
 public:
  /// Connects to the caller's $NOTIFY_SOCKET, where the caller wants the message sent and has one.
  /// A write to it takes a second at most: EAGAIN.
  Result<void> open(const ExecCall& call, const DescriptorRoom& room);

  /// Where the restorer writes it at commit; -1: nobody waits for it.
  [[nodiscard]] int socket() const { return socket_.get(); }

 private:
  UniqueFd socket_;
};

}  // namespace thaw::launch
