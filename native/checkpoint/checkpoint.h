// A checkpoint: freeze → collect → plan → write → let go.
#pragma once

#include <functional>

#include "checkpoint/request.h"
#include "support/result.h"

namespace thaw::checkpoint {

struct Report {
  uint64_t image_size = 0;    ///< bytes of address range in the file, holes included
  uint64_t stored_bytes = 0;  ///< bytes of pages stored
  uint32_t threads = 0, mappings = 0, descriptors = 0, ops = 0;
  double frozen_ms = 0;               ///< how long an app that runs on stands still
  std::vector<std::string> warnings;  ///< what somebody should know of the image, in words
};

/// Of an app that somebody watches. Both are called once, before and after the app is stopped for the first time: what it does
/// between them is not seen.
struct Watched {
  std::function<Result<void>()> end;       ///< lets go of the app
  std::function<Result<void>()> complete;  ///< puts what was seen last into the request
};

/// Writes the image of a process tree and, unless `leave_running`, ends it. On an error the app runs
/// on unharmed and nothing is left at Request::image. What is refused is named, all of it. All ptrace calls are made by the calling
/// thread.
Result<Report> checkpoint(const Request& request, const Watched& watched = {});

}  // namespace thaw::checkpoint
