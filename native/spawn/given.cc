#include "spawn/given.h"

#include <map>
#include <mutex>

namespace thaw::spawn {
namespace {

std::mutex mutex;  // wait() runs in threads of its own.
std::map<pid_t, proc::Given>& table() {
  static std::map<pid_t, proc::Given> children;
  return children;
}

}  // namespace

void remember_given(pid_t child, proc::Given given) {
  const std::lock_guard lock(mutex);
  table()[child] = std::move(given);
}

void forget_given(pid_t child) {
  const std::lock_guard lock(mutex);
  table().erase(child);
}

std::optional<proc::Given> given_to(pid_t child) {
  const std::lock_guard lock(mutex);
  const auto found = table().find(child);
  if (found == table().end()) return std::nullopt;
  return found->second;
}

}  // namespace thaw::spawn
