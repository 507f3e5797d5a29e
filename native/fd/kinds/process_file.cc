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
#include "fd/path.h"
#include "fd/payload.h"
#include "fd/reopen.h"

namespace thaw::fd {
namespace {

struct ProcessFileRecord {
  model::Index process = model::kNone;
  uint32_t folder = 0;  ///< 1: a directory
  model::Blob name;     ///< what follows the number: "/statm", or nothing
};

bool match(const Probe& p) {
  const mode_t type = p.status.st_mode & S_IFMT;
  if ((type != S_IFREG && type != S_IFDIR) || writable(p.flags)) return false;
  const auto place = proc_place(p.link);
  return place && !place->is_of_thread() && place->pid != p.members.front() &&
         std::find(p.members.begin(), p.members.end(), place->pid) != p.members.end();
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const ProcPlace place = proc_place(p.link).value();
  ProcessFileRecord record;
  record.process = c.process_with(place.pid);
  if (record.process == model::kNone)
    return refuse(p, "is of a process that is ending",
                  "lengthen `settle`, or close it before the checkpoint");
  THAW_TRY(refuse_locks(p, policy_type(p.status.st_mode)));
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
  const std::string path =
      "/proc/" + std::to_string(o.id_of(record.process)) + std::string(o.image.bytes(record.name));
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
