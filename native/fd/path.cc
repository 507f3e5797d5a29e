#include "fd/path.h"

#include <fcntl.h>

#include <algorithm>

#include "fd/payload.h"
#include "support/file.h"

namespace thaw::fd {

bool name_leads_to_it(const Probe& p) {
  if (p.link.empty() || p.link[0] != '/') return false;
  struct stat found = {};
  return fstatat(AT_FDCWD, p.link.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         found.st_ino == p.status.st_ino && found.st_dev == p.status.st_dev &&
         (found.st_mode & S_IFMT) == (p.status.st_mode & S_IFMT);
}

std::optional<ProcPlace> proc_place(std::string_view link) {
  constexpr std::string_view kProc = "/proc/";
  if (!link.starts_with(kProc)) return std::nullopt;
  link.remove_prefix(kProc.size());
  const size_t digits = std::min(link.find('/'), link.size());
  const ProcPlace place = {static_cast<pid_t>(number(link.substr(0, digits))), link.substr(digits)};
  return place.pid > 0 ? std::optional(place) : std::nullopt;
}

std::string name_at_launch(const Probe& p) {
  const auto place = proc_place(p.link);
  if (!place) return p.link;
  // A launch's first process opens all of them.
  if (place->pid != p.members.front() || place->is_of_thread()) return {};
  return "/proc/self" + std::string(place->name);
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
