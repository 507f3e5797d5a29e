// Tells of the launch those who must know of a fork. The main thread does, before any other runs.
#include "shim/blob/state.h"

extern "C" __attribute__((visibility("hidden"), used)) void thaw_tell_of_fork() {
  const thaw::shim::Tables& tables = thaw::shim::tables();
  const auto* handlers =
      reinterpret_cast<const uint64_t*>(static_cast<uintptr_t>(tables.fork_handlers));
  for (uint64_t i = 0; i < tables.fork_handler_count; ++i)
    reinterpret_cast<void (*)()>(static_cast<uintptr_t>(handlers[i]))();
}
