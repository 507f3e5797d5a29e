#include "fd/outside.h"

#include <unistd.h>

#include "support/file.h"

namespace thaw::fd {
namespace {

std::string text_of(const std::string& path) {
  auto text = read_file(path);
  return text ? text.take() : std::string();
}

/// The parent's pid, 0 for a process that has gone.
pid_t parent_of(pid_t pid) {
  const std::string status = text_of("/proc/" + std::to_string(pid) + "/status");
  return static_cast<pid_t>(number(line_value(status, "PPid:")));
}

/// True for the tree's processes and their descendants, which belong to it even before they are
/// collected.
bool in_tree(const Collector& c, pid_t pid) {
  for (int depth = 0; pid > 1 && depth < 1000; ++depth, pid = parent_of(pid)) {
    for (const Probe& p : c.probes)
      if (p.pid == pid) return true;
    for (const model::Process& p : c.image.processes)
      if (p.pid == static_cast<uint32_t>(pid)) return true;
  }
  return false;
}

bool holds(const std::string& folder, const Probe& wanted) {
  const auto numbers = numeric_entries(folder);
  if (!numbers) return false;
  for (const int entry : numbers.value()) {
    const std::string name = folder + '/' + std::to_string(entry);
    const auto target = read_link(name);
    if (!target || target.value() != wanted.link) continue;
    struct stat status = {};
    if (stat(name.c_str(), &status) == 0 && status.st_ino == wanted.status.st_ino &&
        status.st_dev == wanted.status.st_dev)
      return true;
  }
  return false;
}

}  // namespace

std::string outside_holder(const Collector& c, const Probe& p) {
  const auto pids = numeric_entries("/proc");
  if (!pids) return {};
  for (const pid_t pid : pids.value()) {
    // This process has copies of everything in the tree.
    if (pid == getpid()) continue;
    const std::string folder = "/proc/" + std::to_string(pid);
    if (!holds(folder + "/fd", p) || in_tree(c, pid)) continue;
    return "pid " + std::to_string(pid) + " (" + std::string(trim(text_of(folder + "/comm"))) + ")";
  }
  return {};
}

}  // namespace thaw::fd
