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
  constexpr std::string_view kProc = "/proc/";
  if (!p.link.starts_with(kProc) || p.link[kProc.size()] < '1' || p.link[kProc.size()] > '9')
    return p.link;
  // A launch's first process opens all of them.
  const std::string own = "/proc/" + std::to_string(p.members.front());
  if (p.link != own && !p.link.starts_with(own + "/")) return {};
  const std::string name = "/proc/self" + p.link.substr(own.size());
  return name.starts_with("/proc/self/task/") ? std::string() : name;
}

Error refuse_number(const Probe& p, policy::Type type) {
  return refuse(p, "belongs to a process or thread whose number will be another one",
                "close it before the checkpoint, or " +
                    policy::suggestion(type, p.link, policy::kCloseOrIgnore));
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
