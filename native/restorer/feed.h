// Feeding: the pages that the app is known to touch first are brought in many at a time, beside the
// rest of the launch and the app's first instructions.
#pragma once

#include "restorer/launch.h"

namespace thaw::restorer {

/// Looks whether the page cache holds the working set. If not, the mappings are to be made without
/// read-ahead (Launch::cached): where the kernel reads around each fault, what the app happens to
/// touch first would have the storage busy with other pages than those that are fed.
void look_at_page_cache(Launch& launch);

/// Feeds the working set, and gives the mappings their read-ahead back. An app with several threads
/// gets one more for as long as that takes, which unmaps the restorer area in the end; one with a
/// single thread, which may rely on being alone, is fed before it goes on.
void feed_working_set(Launch& launch);

/// Bytes of the restorer area that the app does not keep.
uint64_t own_area_size(const Launch& launch);

}  // namespace thaw::restorer
