// What System V shared memory, semaphores and message queues have in common.
#pragma once

#include <string_view>

#include "image/view.h"

namespace thaw::launch {

/// The key of System V IPC in the image.
int ipc_key(const image::View& view, const model::Object& object);

/// The next of the kind ("shm", "sem", "msg") that is made gets this id, where the kernel lets us ask
/// for it (CAP_CHECKPOINT_RESTORE; /proc/sys/kernel/*_next_id of proc(5)) and it is free: who makes it
/// looks which it has got. False: we may not ask.
bool ask_for_id(std::string_view kind, int id);

}  // namespace thaw::launch
