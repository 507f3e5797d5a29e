// Ids of System V segments with a key. A launch makes such a segment anew, under another id than the
// app has kept: the two change places, for the app and its children, so that each id that the app
// knows or learns stands for one segment (shmget(2), shmop(2), shmctl(2)).
#pragma once

namespace thaw::shim {

/// As the system calls, with ids as the app knows them; a negative errno on failure.
long segment_get(long key, long size, long flags);
long segment_attach(long id, long address, long flags);
long segment_control(long id, long command, long argument);

}  // namespace thaw::shim
