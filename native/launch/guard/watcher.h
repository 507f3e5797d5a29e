// The process beside a launch that sees whether the app dies early. It writes to the store only when
// one has.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>

#include "store/deaths.h"

namespace thaw::launch {

struct Watched {
  /// The image's metadata in memory: whoever has an image mapped is taken for an instance.
  std::span<const char> metadata;
  uint32_t within_ms = 0;  ///< how long it is watched
  bool cold = false;       ///< it is started cold, because of `deaths`
  store::Deaths deaths;    ///< what the record says so far
  std::string record;      ///< its path
  store::GoodPath good;    ///< of the sign that a launch has been good
};

/// Has the calling process watched by one that is no child of it. Returns the process that makes the
/// watcher and ends at once, which the caller has to wait for (__WCLONE); afterwards, the watcher is
/// alone in the process group of that number. 0: nobody watches.
pid_t start_watcher(const Watched& watched);

}  // namespace thaw::launch
