// The working set of an app: which pages a launch of it has touched so far.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

#include "image/view.h"

namespace thaw::training {

/// The pages that process `pid`, launched from the image in recording mode, has touched since.
/// Which they are is told from /proc/PID/pagemap: a private page that is no longer the file's was
/// written. Where a file stays in the page cache because others use it as well, the kernel maps up
/// to 16 pages around one that is read, so a few pages too many are recorded.
///
/// They are ordered by blocks of 128 KB: blocks by their first fault in `faults` (the addresses
/// that faulted since the launch), pages within a block by address. Blocks without a fault come
/// last. So runs stay long, and what is needed first comes first.
Result<std::vector<model::FeedRun>> working_set(const image::View& view, pid_t pid,
                                                std::span<const uint64_t> faults);

}  // namespace thaw::training
