#include "fd/outside.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <memory>
#include <set>

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

/// Calls `use` with the name and the target of each of a folder of links, without the way there for
/// each of them.
template <typename Use>
void each_link(const std::string& folder, Use use) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(folder.c_str()), closedir);
  char target[PATH_MAX];
  while (const dirent* entry = dir ? readdir(dir.get()) : nullptr) {
    const ssize_t size = readlinkat(dirfd(dir.get()), entry->d_name, target, sizeof(target));
    if (size > 0) use(entry->d_name, std::string_view(target, static_cast<size_t>(size)));
  }
}

/// One walk for all descriptors: an app with a thousand pipes asks a thousand times.
std::unordered_multimap<std::string, std::string> read_others(const Collector& c) {
  std::unordered_multimap<std::string, std::string> others;
  // This process has copies of everything in the tree.
  std::set<pid_t> own = {getpid()};
  for (const Probe& p : c.probes) own.insert(p.pid);
  const auto pids = numeric_entries("/proc");
  if (!pids) return others;
  for (const pid_t pid : pids.value()) {
    if (own.contains(pid)) continue;
    const std::string folder = "/proc/" + std::to_string(pid) + "/fd/";
    each_link(folder, [&](const char* name, std::string_view link) {
      others.emplace(link, folder + name);
    });
  }
  return others;
}

bool is_same_file(const std::string& path, const Probe& wanted) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && status.st_ino == wanted.status.st_ino &&
         status.st_dev == wanted.status.st_dev;
}

}  // namespace

std::string outside_holder(Collector& c, const Probe& p) {
  if (!c.others) c.others = read_others(c);
  const auto [first, last] = c.others->equal_range(p.link);
  for (auto other = first; other != last; ++other) {
    const std::string& path = other->second;  // /proc/PID/fd/N
    const auto pid = static_cast<pid_t>(number(std::string_view(path).substr(strlen("/proc/"))));
    if (in_tree(c, pid) || !is_same_file(path, p)) continue;
    const std::string comm = text_of("/proc/" + std::to_string(pid) + "/comm");
    return "pid " + std::to_string(pid) + " (" + std::string(trim(comm)) + ")";
  }
  return {};
}

}  // namespace thaw::fd
