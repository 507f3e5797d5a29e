// Feeding: the pages that the app is known to touch first are brought in many at a time, beside the
// rest of the launch and the app's first instructions.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// An app with several threads gets one more for as long as feeding takes, which unmaps the
/// restorer area in the end. One with a single thread may rely on being alone: before it goes on,
/// it gets what takes no waiting for the storage. In the order of a launch:

/// If the page cache lacks the working set: has the storage read it while the memory is rebuilt.
/// The mappings are to be made without read-ahead then (Handover::cached): where the kernel reads
/// around each fault, what the app happens to touch first would have the storage busy with other
/// pages.
void feed_from_storage(Handover& handover);

/// The feeder populates what the storage has read. The mappings get their read-ahead back.
void feed_rebuilt_memory(Handover& handover);

/// If the page cache has it all: a feeder populates what will be written; without one, faults bring
/// it in about as fast. Only once the app's threads are there: beside threads that start, a feeder
/// would take their CPU.
void feed_from_cache(Handover& handover);

/// Bytes of the restorer area that the app does not keep.
uint64_t own_area_size(const Handover& handover);

}  // namespace thaw::restorer
