// Feeding: the pages that the app is known to touch first are brought in many at a time, beside the
// rest of the launch and the app's first instructions.
#pragma once

#include "restorer/handover.h"

namespace thaw::restorer {

/// An app with several threads gets one more, the feeder, for as long as feeding takes; it unmaps
/// the restorer area in the end. An app with a single thread may rely on being alone, so it gets
/// no feeder: before it goes on, it is fed what takes no waiting for the storage.
///
/// The functions here stand in the order of a launch.

/// If the page cache lacks the working set: has the storage read it while the memory is rebuilt.
/// The mappings are to be made without read-ahead then (Handover::cached): if the kernel read
/// around each fault, the storage would be busy with other pages than those of the working set.
void feed_from_storage(Handover& handover);

/// The feeder populates what the storage has read. The mappings get their read-ahead back.
void feed_rebuilt_memory(Handover& handover);

/// If the page cache has it all, the feeder populates what will be written; where there is no
/// feeder, faults bring it in about as fast. To be called once the app's threads are there: a
/// feeder beside threads that start would take their CPU.
void feed_from_cache(Handover& handover);

/// Bytes of the restorer area that the app does not keep.
uint64_t own_area_size(const Handover& handover);

}  // namespace thaw::restorer
