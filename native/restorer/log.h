// What $THAW_LOG makes a launch tell: its levels, and the phases whose times `trace` prints. The
// tables hold no pointers: nobody would relocate them in the restorer.
#pragma once

#include <stdint.h>

namespace thaw::restorer {

/// Each level tells what those before it tell, too; 0 tells nothing.
constexpr uint32_t kLogWarn = 1, kLogInfo = 2, kLogDebug = 3, kLogTrace = 4;
/// As $THAW_LOG names them, from kLogWarn on.
constexpr char kLogLevels[][8] = {"warn", "info", "debug", "trace"};

/// Points of time, CLOCK_REALTIME nanoseconds. A phase lasts from one to the next.
enum Phase : uint32_t {
  kStarted,
  kOpened,
  kUnmapped,
  kMapped,
  kThreads,
  kFed,
  kCommitted,
  kPhases
};
/// Each ends at the point of time after kStarted that has its place.
constexpr char kPhaseNames[][8] = {"open", "unmap", "map", "threads", "feed", "commit"};
static_assert(sizeof(kPhaseNames) == (kPhases - 1) * sizeof(kPhaseNames[0]));
static_assert(sizeof(kLogLevels) == kLogTrace * sizeof(kLogLevels[0]));

}  // namespace thaw::restorer
