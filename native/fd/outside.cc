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
std::unordered_multimap<std::string, std::string> read_others(const Probe& p) {
  std::unordered_multimap<std::string, std::string> others;
  // This process has copies of everything in the tree.
  std::set<pid_t> own(p.members.begin(), p.members.end());
  own.insert(getpid());
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
  if (!c.others) c.others = read_others(p);
  const auto [first, last] = c.others->equal_range(p.link);
  for (auto other = first; other != last; ++other) {
    const std::string& path = other->second;  // /proc/PID/fd/N
    const auto pid = static_cast<pid_t>(number(std::string_view(path).substr(strlen("/proc/"))));
    if (!is_same_file(path, p)) continue;
    const std::string comm = text_of("/proc/" + std::to_string(pid) + "/comm");
    return "pid " + std::to_string(pid) + " (" + std::string(trim(comm)) + ")";
  }
  return {};
}

}  // namespace thaw::fd
