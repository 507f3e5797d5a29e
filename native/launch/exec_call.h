// The exec that a launch stands for.
#pragma once

#include <cstdint>

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// What happens with the working set.
enum class Feed {
  on,
  off,     ///< every page comes in on demand
  record,  ///< the same, one by one: no page that the app does not touch
};

/// The option with which a launch that is given up late starts thaw-exec anew: it goes back to the
/// time namespace of this descriptor, and starts the program cold.
constexpr const char* kLeaveTimeNamespace = "--leave-time-namespace";

/// The option, only with --image, of the launches that `thaw build` makes of a new image: an app that
/// they end may write its own inputs, which then must not refuse the next of them.
constexpr const char* kAnyInputs = "--any-inputs";

struct ExecCall {
  const char* image = nullptr;    ///< path of the image to launch from
  const char* program = nullptr;  ///< absolute path: what exec would start
  const char* folder = nullptr;   ///< the caller's; empty where it has no path
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  bool fallback = true;          ///< false: a launch that fails late ends with exit status 125
  bool tries_filter = false;     ///< a filter of system calls lets a child be made, to try it
  bool keep_pid = false;         ///< the app gets the process and thread ids that it had
  bool any_inputs = false;       ///< inputs are not looked at (kAnyInputs)
  bool says_ready = false;       ///< tells $NOTIFY_SOCKET at commit that the app is ready
  bool from_store = false;       ///< the image lies in one, with what else belongs to its profile
  const char* stores = nullptr;  ///< as --store has them: where records of the image may go
  bool has_others = false;       ///< the next store has an image for this launch as well
  Feed feed = Feed::on;
  uint32_t log = 0;         ///< restorer::kLogWarn ...
  uint64_t started_ns = 0;  ///< CLOCK_REALTIME, for the phases of THAW_LOG=trace
  /// The device's policy on signatures (exec/signature.h); null: none.
  Result<void> (*check_signature)(image::View&, const char* path) = nullptr;

  /// A launch that is to show which pages the app touches.
  [[nodiscard]] bool trains() const { return feed == Feed::record; }
};

}  // namespace thaw::launch
