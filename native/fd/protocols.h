// What is known of those that an app speaks with, by their addresses. For some a bare connection is
// not enough: both ends keep a state (who has said hello, which objects there are), and the server
// knows nothing of it on a new connection. For others it is all there is.
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

/// Whether `peer` is a log that takes datagrams, each of which says all by itself (syslog(3),
/// systemd-journald.service(8)): who connects to it again misses nothing, so it needs no policy.
bool is_log(std::string_view peer);

}  // namespace thaw::fd
