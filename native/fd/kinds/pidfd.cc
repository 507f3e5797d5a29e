// pidfd (pidfd_open(2), CLONE_PIDFD): which process of the app it stands for, or that this one is
// gone.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "fd/actions.h"
#include "fd/dead_socket.h"
#include "fd/kinds.h"
#include "image/tree.h"
#include "support/end_as.h"
#include "support/file.h"
#include "support/young_kernels.h"

namespace thaw::fd {
namespace {

constexpr int kOfThread = O_EXCL;       ///< PIDFD_THREAD, 6.9
constexpr uint32_t kDumpedCore = 0x80;  ///< of a status of wait(2)

struct PidfdRecord {
  model::Index process = model::kNone;  ///< of the app; kNone: one that has been waited for
  uint32_t exit_status = 0;             ///< of that one, as wait(2) has told it
};

bool match(const Probe& p) {
  return p.link == "anon_inode:[pidfd]" || p.link.starts_with("pidfd:");
}

// ---- checkpoint

Error refuse_pidfd(const Probe& p, const std::string& why) {
  return refuse(
      p, why,
      "open it after the checkpoint, or close it before, or " +
          policy::suggestion(policy_type(p.status.st_mode), p.link, policy::kCloseOrIgnore));
}

/// "Pid" of pidfd_open(2): -1 where it has been waited for, 0 in a namespace that is not seen here.
int id_of(const Probe& p) {
  const std::string fdinfo = fresh_fdinfo(p);
  const std::string_view text = line_value(fdinfo, "Pid:");
  int id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  return id;
}

/// Linux 6.15 and later know; before, nobody can ask.
uint32_t exit_status(const Probe& p) {
  young::PidFdInfo info = {};
  info.mask = young::kPidFdInfoExit;
  if (ioctl(p.copy.get(), young::kPidFdGetInfo, &info) != 0 ||
      (info.mask & young::kPidFdInfoExit) == 0)
    return 0;
  return static_cast<uint32_t>(info.exit_code) & ~kDumpedCore;
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  constexpr int kKnown = O_ACCMODE | O_NONBLOCK | O_LARGEFILE | O_ASYNC | kOfThread;
  if ((p.flags & ~kKnown) != 0)
    return refuse_pidfd(p, "is a pidfd with flags that thaw does not know");
  PidfdRecord record;
  const int id = id_of(p);
  if (id > 0) record.process = c.process_with(id);
  const bool ended = id == -1 && (p.flags & kOfThread) == 0;
  if (record.process == model::kNone && !ended)
    return refuse_pidfd(
        p, (p.flags & kOfThread) != 0
               ? "is a pidfd of a thread (PIDFD_THREAD) that is no main thread of "
                 "the app"
               : "is a pidfd of process " + std::to_string(id) + ", which is no part of the app");
  if (record.process == model::kNone) record.exit_status = exit_status(p);
  out.payload = c.image.record(record);
  out.note = c.image.blob(id == -1 ? std::string("of a process that has ended")
                                   : "of process " + std::to_string(id));
  return {};
}

// ---- launch

/// Of a process that ends as that one did, and that nobody else hears of.
Result<UniqueFd> open_ended(uint32_t status) {
  constexpr const char* kProblem = "cannot make a pidfd of a process that has ended";
  int number = -1;
  clone_args arguments = {};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<uintptr_t>(&number);
  const long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (pid == 0) end_as(status);
  if (pid < 0) return errno_error(kProblem);
  UniqueFd fd(number);
  int told = 0;
  pid_t waited = 0;
  do waited = waitpid(static_cast<pid_t>(pid), &told, __WALL);
  while (waited < 0 && errno == EINTR);
  if (waited < 0) return errno_error(kProblem);
  if ((static_cast<uint32_t>(told) & ~kDumpedCore) == status) return fd;
  return Error{0, "a process cannot be made to end as it had"};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<PidfdRecord>(file.payload);
  if (record.process == model::kNone) return open_ended(record.exit_status);
  const auto flags = file.flags & static_cast<uint32_t>(kOfThread);
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, o.id_of(record.process), flags)));
  if (!fd.valid()) return errno_error("cannot make a pidfd");
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<PidfdRecord>(file.payload);
  const bool sound = record != nullptr && (record->process == model::kNone
                                               ? image::is_end_of_process(record->exit_status)
                                               : record->process < view.processes().size());
  return sound ? nullptr : "it stands for no process";
}

}  // namespace

constinit const Kind kPidfd = {
    .name = "pidfd",
    .policy = {.actions = policy::kCloseOrIgnore,
               .closed = {"policy: a connection that is over in its place", open_dead_stream}},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
    .needs_processes = true,
};

}  // namespace thaw::fd
