// A launch: open → check → prepare → execute (restorer/). The calling process becomes the app, or
// an error says why it cannot and nothing has changed for the caller.
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

struct ExecCall {
  const char* image = nullptr;  ///< path of the image
  const char* program =
      nullptr;  ///< as exec would be called with: for the check and for a cold start
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  bool fallback = true;  ///< false: a launch that fails late ends with exit status 125
  bool keep_pid =
      false;  ///< threads get the ids that they had (the caller has given the process its own)
  Feed feed = Feed::on;
  uint32_t log = 0;         ///< restorer::kLogWarn ...
  uint64_t started_ns = 0;  ///< for the phases of THAW_LOG=trace
};

/// Returns only if the launch is not possible.
Error launch(const ExecCall& call);

}  // namespace thaw::launch
