#include "inputs/on_root.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>

#include "support/file.h"

namespace thaw::inputs {
namespace {

constexpr int kMostLinks = 40;  // As the kernel has it (MAXSYMLINKS).

using Parts = std::deque<std::string>;

void prepend(Parts& parts, const std::string& path) {
  const auto words = split(path, "/");
  parts.insert(parts.begin(), words.begin(), words.end());
}

/// The folder of two parts that the way goes through, or what it ends at before.
bool is_noted(const std::string& at, bool last) {
  const auto slashes = std::count(at.begin(), at.end(), '/');
  return slashes == 2 || (slashes == 1 && last);
}

}  // namespace

bool OnRoot::holds(const std::string& path, bool follow) {
  Parts parts;
  prepend(parts, path);
  std::set<std::string> folders;
  auto end = [&](bool result) {
    if (result) folders_.merge(folders);
    return result;
  };
  struct stat status = {};
  const bool top = lstat("/", &status) == 0 && status.st_dev == device_;
  bool here = top;
  std::string at;
  for (int links = 0; !parts.empty();) {
    const std::string part = parts.front();
    parts.pop_front();
    if (part == ".." || part.find_first_of(" \t\n\\") != std::string::npos) return false;
    if (part == ".") continue;
    std::string next = at;
    next.append(1, '/').append(part);
    if (is_noted(next, parts.empty())) folders.insert(next);
    if (lstat(next.c_str(), &status) != 0)
      return end(here && (errno == ENOENT || errno == ENOTDIR));
    const bool inside = status.st_dev == device_;
    if (here && !inside) return false;
    here = inside;
    if (S_ISLNK(status.st_mode) && (follow || !parts.empty())) {
      auto target = read_link(next);
      if (!here || !target || ++links > kMostLinks) return false;
      prepend(parts, target.value());
      if (!target.value().starts_with('/')) continue;
      at.clear();
      here = top;
      continue;
    }
    at = next;
  }
  return end(here);
}

std::string OnRoot::folders() const {
  std::string all;
  for (const std::string& folder : folders_) all += folder + '\0';
  return all;
}

}  // namespace thaw::inputs
