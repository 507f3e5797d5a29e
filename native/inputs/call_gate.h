// Where the app is held for its checkpoint: at the entry of a system call, which each launch then
// makes anew (warmup.until: syscall, open, connect).
//
// The thread skips the call, goes back to its instruction and makes another one there, which waits
// for ever: so it stands still whoever traces it, and the checkpoint has only to put the call's
// number and arguments back. Its signals are blocked meanwhile, as a handler would have the app see
// an interrupted call that it has not made yet.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace thaw::inputs {

/// Which call it is.
struct AwaitedCall {
  std::vector<long> numbers;  ///< any of them; none: no call is awaited
  std::string path;     ///< fnmatch pattern on an absolute path that the call names; empty: any
  std::string address;  ///< that connect(2) is given, as fd::address_text() has it; empty: any
  bool hold = true;     ///< false: it is only seen
};

/// The call that a thread is held at.
struct HeldCall {
  pid_t tid = 0;
  long number = -1;
  uint64_t arguments[6] = {};
  uint64_t blocked = 0;      ///< signal mask
  uint64_t instruction = 0;  ///< address of the one that makes it
};

/// Whether the call takes a path.
bool takes_path(long number);

/// The system call stops of an app, as its tracer passes them on.
class CallGate {
 public:
  CallGate(pid_t app, AwaitedCall awaited) : app_(app), awaited_(std::move(awaited)) {}

  /// The thread, stopped, is about to make a system call. True: nobody else shall look at it.
  bool enter(pid_t tid, long number, const uint64_t* arguments);
  /// It has returned; true as above.
  bool leave(pid_t tid);
  /// The thread has ended.
  void gone(pid_t tid);
  /// The app runs another program now.
  void executed();

  /// The call has come.
  [[nodiscard]] bool reached() const {
    return stage_ == Stage::held || stage_ == Stage::seen || filtered();
  }
  /// The thread could not be held, as a seccomp filter judges what it would call instead.
  [[nodiscard]] bool filtered() const { return stage_ == Stage::filtered; }
  /// Of the thread that stands still now.
  [[nodiscard]] std::optional<HeldCall> held() const;

 private:
  enum class Stage : uint8_t { awaiting, skipping, going_back, held, seen, filtered };

  [[nodiscard]] bool is_awaited(pid_t tid, long number, const uint64_t* arguments) const;
  bool begin_to_hold(pid_t tid, long number, const uint64_t* arguments);

  pid_t app_;
  AwaitedCall awaited_;
  Stage stage_ = Stage::awaiting;
  HeldCall call_;
};

/// The call by which a held thread waits, all of its arguments 0.
long waiting_call();

}  // namespace thaw::inputs
