#include "fd/path.h"

#include <fcntl.h>

#include "fd/payload.h"

namespace thaw::fd {

bool name_leads_to_it(const Probe& p) {
  if (p.link.empty() || p.link[0] != '/') return false;
  struct stat found = {};
  return fstatat(AT_FDCWD, p.link.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         found.st_ino == p.status.st_ino && found.st_dev == p.status.st_dev &&
         (found.st_mode & S_IFMT) == (p.status.st_mode & S_IFMT);
}

std::string name_at_launch(const Probe& p) {
  const std::string own = "/proc/" + std::to_string(p.pid);
  if (p.link == own || p.link.starts_with(own + "/"))
    return "/proc/self" + p.link.substr(own.size());
  return p.link;
}

PathRecord path_record(Collector& c, const Probe& p, std::string_view path) {
  PathRecord record;
  record.path = c.image.blob(path);
  record.dev = p.status.st_dev;
  record.ino = p.status.st_ino;
  record.rdev = p.status.st_rdev;
  record.mode = p.status.st_mode;
  return record;
}

bool valid_path(const image::View& view, model::Blob path) {
  return valid_string(view, path) && view.bytes(path).starts_with('/');
}

const PathRecord* valid_path_record(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<PathRecord>(file.payload);
  return record != nullptr && valid_path(view, record->path) ? record : nullptr;
}

}  // namespace thaw::fd
