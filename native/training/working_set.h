// The working set of an app: which pages a launch of it has touched so far.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

#include "image/view.h"

namespace thaw::training {

/// The pages that process `pid`, launched from the image in recording mode, has touched since.
/// Which they are is told from /proc/PID/pagemap: a private page that is no longer the file's was
/// written. Of files that others use as well, which stay in the page cache, the kernel maps up to
/// 16 pages around one that is read: of these a few too many are recorded.
///
/// Their order is that of `faults`, the addresses that faulted since the launch, by blocks of 128
/// KB that ascend within; what no fault tells of comes last. So runs stay long, and what is needed
/// first comes first.
Result<std::vector<model::FeedRun>> working_set(const image::View& view, pid_t pid,
                                                std::span<const uint64_t> faults);

}  // namespace thaw::training
