// Leads an app's connect(2) to the relay: while the thread stands at the call, the address in its
// memory is another one of the same size.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "session/record/relay.h"

namespace thaw::session {

class Diversion {
 public:
  /// `relay`: null where nothing is diverted.
  Diversion(pid_t app, std::shared_ptr<Relay> relay) : app_(app), relay_(std::move(relay)) {}
  Diversion(const Diversion&) = delete;
  Diversion& operator=(const Diversion&) = delete;
  /// Whoever is in a call that was diverted gets its memory back.
  ~Diversion();

  /// The thread, stopped, is about to make a system call.
  void enter(pid_t tid, long number, const uint64_t* arguments);
  /// It has returned; negative errno on failure.
  void leave(pid_t tid, int64_t result);

 private:
  struct Diverted {
    uint64_t at = 0;
    fd::SocketAddress server, door;
  };

  static void put_back(pid_t tid, const Diverted& call);

  pid_t app_;
  std::shared_ptr<Relay> relay_;
  std::map<pid_t, Diverted> diverted_;
};

}  // namespace thaw::session
