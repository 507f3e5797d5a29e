// Protocols that a bare connection is not enough for: both ends keep a state (who has said hello,
// which objects there are), and the server knows nothing of it on a new connection.
#pragma once

#include <sys/types.h>

#include <string_view>

namespace thaw::fd {

struct Protocol {
  const char* what;    ///< "a Wayland compositor"
  const char* remedy;  ///< what to do instead of connecting again
  bool replayed;       ///< a launch can have the conversation again (native/session/)
};

/// The protocol that process `pid` speaks at `peer`, the text of a socket's address; null: none with
/// a state that is known.
const Protocol* stateful_protocol(std::string_view peer, pid_t pid);

}  // namespace thaw::fd
