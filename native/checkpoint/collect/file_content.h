// Content of open files that have no name (memfds, deleted files): it becomes page data.
#pragma once

#include "checkpoint/capture.h"

namespace thaw::checkpoint {

/// Finds which pages of the first `size` bytes of `fd` must be stored, and keeps a copy of `fd` in
/// Capture::contents until they are written; the DataRun records, whose place in the image is not
/// known yet. The position of `fd` moves: it must be an open file description of our own.
Result<model::Range> collect_file_content(Capture& capture, int fd, uint64_t size);

}  // namespace thaw::checkpoint
