#include "inputs/on_root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
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

bool OnRoot::is_inside(const std::string& path, uint32_t& mode) const {
  struct statx status = {};
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (statx(AT_FDCWD, path.c_str(), kFlags, STATX_TYPE | STATX_MNT_ID, &status) != 0) return false;
  mode = status.stx_mode;
  if (mount_ != 0) return status.stx_mnt_id == mount_;
  return makedev(status.stx_dev_major, status.stx_dev_minor) == device_;
}

bool OnRoot::holds(const std::string& path, bool follow) {
  Parts parts;
  prepend(parts, path);
  std::set<std::string> folders;
  auto end = [&](bool result) {
    if (result) folders_.merge(folders);
    return result;
  };
  uint32_t mode = 0;
  const bool top = is_inside("/", mode);
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
    mode = 0;
    const bool inside = is_inside(next, mode);
    if (mode == 0) return end(here && (errno == ENOENT || errno == ENOTDIR));
    if (here && !inside) return false;
    here = inside;
    if (S_ISLNK(mode) && (follow || !parts.empty())) {
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
