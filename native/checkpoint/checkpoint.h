// A checkpoint: freeze → collect → plan → write → let go.
#pragma once

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

/// Writes the image of a process tree and, unless `leave_running`, ends it. On an error the app runs
/// on unharmed and nothing is left at Request::image. What is refused is named, all of it. All ptrace calls are made by the calling
/// thread.
Result<Report> checkpoint(const Request& request);

}  // namespace thaw::checkpoint
