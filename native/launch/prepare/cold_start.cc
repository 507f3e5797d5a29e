#include "launch/prepare/cold_start.h"

#include <span>
#include <string>

namespace thaw::launch {
namespace {

/// An array of copies, ended by null; those of `first` come first.
char* const* copy_strings(char* const* strings, Arena& arena,
                          std::span<const char* const> first = {}) {
  size_t count = first.size();
  for (char* const* string = strings; *string != nullptr; ++string) ++count;
  const char** copies = arena.allocate<const char*>(count + 1);
  for (size_t i = 0; i < count; ++i) {
    const char* copy = arena.copy(i < first.size() ? first[i] : strings[i - first.size()]);
    if (copies != nullptr) copies[i] = copy;
  }
  if (copies != nullptr) copies[count] = nullptr;
  return const_cast<char* const*>(copies);  // As execve(2) wants it, which changes nothing.
}

}  // namespace

void copy_cold_start(const Prepared& prepared, Arena& arena, restorer::ColdStart& cold) {
  cold.signal_mask = prepared.signals.callers_mask();
  if (prepared.tree.is_member()) return;  // The root starts cold for all.
  const ExecCall& call = prepared.call;
  const Descriptors& descriptors = prepared.descriptors;
  if (call.fallback) cold.program = arena.copy(call.program);
  cold.argv = copy_strings(call.argv, arena);
  cold.envp = copy_strings(call.envp, arena);
  arena.copy_list(descriptors.saved(), cold.saved_fds, cold.saved_fd_count);
  arena.copy_list(descriptors.taken(), cold.close, cold.close_count);
  arena.copy_list(descriptors.sockets(), cold.sockets, cold.socket_count);
  if (const restorer::Tree* tree = prepared.tree.record())
    cold.callers.coredump_filter = tree->callers_coredump_filter;
  cold.watcher = prepared.guard.watcher();
  const std::span<const int> helpers = prepared.inputs.helpers();
  cold.helpers = arena.copy(helpers);
  cold.helper_count = static_cast<uint32_t>(helpers.size());
  cold.cwd = prepared.way_back.cwd();
  cold.time_namespace = prepared.clocks.callers();
  cold.launcher = prepared.way_back.launcher();
  if (cold.launcher >= 0) {
    const std::string number = std::to_string(cold.time_namespace);
    const char* const command[] = {"thaw-exec", kLeaveTimeNamespace, number.c_str(), "--"};
    cold.launcher_argv = copy_strings(call.argv, arena, command);
  }
}

}  // namespace thaw::launch
