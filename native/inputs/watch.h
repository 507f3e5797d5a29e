// Watching which files an app and its children use, from its start to its checkpoint: by ptrace's
// stops at system calls, which leave nothing behind in the app.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "inputs/call_gate.h"
#include "inputs/findings.h"
#include "session/record/relay.h"
#include "support/result.h"

namespace thaw::inputs {

/// Traces one app in a thread of its own, which ends with the app or with finish(). The app's exit
/// status stays for whoever waits for it.
class Watch {
 public:
  /// `awaited`: at this call the app is held. `relay`: stands between the app and servers; null:
  /// nothing does. `keeps_pids`: a launch has those that the app's processes get; else they get such as
  /// can be told in memory.
  explicit Watch(AwaitedCall awaited = {}, std::shared_ptr<session::Relay> relay = nullptr,
                 bool keeps_pids = false)
      : awaited_(std::move(awaited)), relay_(std::move(relay)), keeps_pids_(keeps_pids) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// Begins with the next program that `pid`, a child that has yet to execute it, executes. Where
  /// the kernel does not let us, finish() says so. `look_ups`: as a process has one tracer at a time,
  /// what sees the app look up variables (lookups/watch.h) is put in place as well.
  void attach(pid_t pid, bool look_ups);
  /// From now on the app is left alone: what it looks up again and again it will look up after a
  /// launch as well.
  void settle() { settling_ = true; }
  /// Whether the awaited call has come. Fails where the app cannot be watched.
  Result<bool> reached();
  /// What was seen so far; the app is watched on.
  Findings findings();
  [[nodiscard]] const std::shared_ptr<session::Relay>& relay() const { return relay_; }
  /// Lets go of the app, which runs on. Fails where it could not be watched.
  Result<Findings> finish();

 private:
  void trace(pid_t pid, bool look_ups);
  void stop();

  AwaitedCall awaited_;
  std::shared_ptr<session::Relay> relay_;
  bool keeps_pids_;
  std::thread thread_;
  std::atomic<bool> seized_ = false, stopping_ = false, ended_ = false, settling_ = false,
                    reached_ = false;
  std::mutex mutex_;  ///< guards those below
  Findings findings_;
  std::unique_ptr<const Error> problem_;
};

}  // namespace thaw::inputs
