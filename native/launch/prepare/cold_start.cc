#include "launch/prepare/cold_start.h"

namespace thaw::launch {
namespace {

/// An array of copies, ended by null.
char* const* copy_strings(char* const* strings, Arena& arena) {
  size_t count = 0;
  while (strings[count] != nullptr) ++count;
  const char** copies = arena.allocate<const char*>(count + 1);
  for (size_t i = 0; i < count; ++i) {
    const char* copy = arena.copy(strings[i]);
    if (copies != nullptr) copies[i] = copy;
  }
  if (copies != nullptr) copies[count] = nullptr;
  return const_cast<char* const*>(copies);  // As execve(2) wants it, which changes nothing.
}

}  // namespace

void copy_cold_start(const Prepared& prepared, Arena& arena, restorer::ColdStart& cold) {
  const ExecCall& call = prepared.call;
  const Descriptors& descriptors = prepared.descriptors;
  if (call.fallback) cold.program = arena.copy(call.program);
  cold.argv = copy_strings(call.argv, arena);
  cold.envp = copy_strings(call.envp, arena);
  arena.copy_list(descriptors.saved(), cold.saved_fds, cold.saved_fd_count);
  arena.copy_list(descriptors.taken(), cold.close, cold.close_count);
  cold.time_namespace = prepared.clocks.callers();
  cold.signal_mask = prepared.signals.callers_mask();
}

}  // namespace thaw::launch
