// Files and folders in /proc/PID of another process of the app than the first one: opened when all
// processes are there, in the folder that has the new number. Those of the first process are /proc/self
// to who opens everything else (fd/path.h).
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fd/actions.h"
#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/locks.h"
#include "fd/payload.h"
#include "fd/reopen.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr std::string_view kProc = "/proc/";

struct ProcessFileRecord {
  model::Index process = model::kNone;
  uint32_t folder = 0;  ///< 1: a directory
  model::Blob name;     ///< what follows the number: "/statm", or nothing
};

struct Place {
  pid_t pid = 0;
  std::string_view name;
};

/// Of "/proc/PID/NAME"; a thread other than the main one has no number that a launch would know.
std::optional<Place> place_of(std::string_view link) {
  if (!link.starts_with(kProc)) return std::nullopt;
  link.remove_prefix(kProc.size());
  const size_t digits = std::min(link.find('/'), link.size());
  Place place = {static_cast<pid_t>(number(link.substr(0, digits))), link.substr(digits)};
  if (place.pid <= 0 || place.name.starts_with("/task/")) return std::nullopt;
  return place;
}

bool match(const Probe& p) {
  const mode_t type = p.status.st_mode & S_IFMT;
  if ((type != S_IFREG && type != S_IFDIR) || writable(p.flags)) return false;
  const auto place = place_of(p.link);
  return place && place->pid != p.members.front() &&
         std::find(p.members.begin(), p.members.end(), place->pid) != p.members.end();
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const Place place = place_of(p.link).value();
  const auto member = std::find(c.pids.begin(), c.pids.end(), place.pid);
  if (member == c.pids.end())
    return refuse(p, "is of a process that is ending",
                  "lengthen `settle`, or close it before the checkpoint");
  THAW_TRY(refuse_locks(p, policy_type(p.status.st_mode)));
  ProcessFileRecord record;
  record.process = static_cast<model::Index>(member - c.pids.begin());
  record.folder = S_ISDIR(p.status.st_mode) ? 1 : 0;
  record.name = c.image.blob(place.name);
  out.payload = c.image.record(record);
  out.note = c.image.blob("of the process that has its place");
  return {};
}

/// Else a number that the app knows would be a stranger's there.
Result<void> check_proc() {
  char self[16] = {};
  const ssize_t size = readlink("/proc/self", self, sizeof(self) - 1);
  if (size > 0 && std::string_view(self) == std::to_string(getpid())) return {};
  return Error{0, "/proc is that of another pid namespace than the app's",
               "mount the app's own there"};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<ProcessFileRecord>(file.payload);
  THAW_TRY(check_proc());
  const pid_t pid = o.pids.empty() ? getpid() : o.pids[record.process];
  const std::string path =
      std::string(kProc) + std::to_string(pid) + std::string(o.image.bytes(record.name));
  const int kind = record.folder != 0 ? O_DIRECTORY : 0;
  THAW_ASSIGN(fd, open_path(path, reopen_flags(file.flags) | kind));
  THAW_TRY(set_position(fd.get(), file.position));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<ProcessFileRecord>(file.payload);
  if (record == nullptr || record->process >= view.processes().size() || record->folder > 1)
    return "a process's file has a broken record";
  const std::string_view name = view.bytes(record->name);
  return valid_string(view, record->name) && (name.empty() || name.starts_with('/'))
             ? nullptr
             : "a process's file has a broken name";
}

}  // namespace

constinit const Kind kProcessFile = {
    .name = "process's file",
    .policy = {.actions = policy::kCloseOrIgnore},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
    .needs_processes = true,
};

}  // namespace thaw::fd
