// Apps whose launches have a pid namespace of their own: nobody in there knows an id of who is outside.
#include <fcntl.h>

#include <algorithm>

#include "checkpoint/collect/collect.h"
#include "fd/kinds.h"
#include "proc/refuse.h"

namespace thaw::checkpoint {
namespace {

constexpr const char* kRemedy = "leave out launch.pids = \"namespace\"";

/// Whose number the kernel's first process of each namespace has.
Result<void> check_first(const Capture& capture) {
  const auto is_first = [](const model::Thread& thread) { return thread.tid == 1; };
  const auto& threads = capture.image.threads;
  if (std::none_of(threads.begin(), threads.end(), is_first)) return {};
  return proc::refuse(1,
                      "is the first of its pid namespace, which in a launch is thaw's own "
                      "(launch.pids = \"namespace\")",
                      "start it below an init (docker run --init)");
}

Result<void> check_owners(const Capture& capture) {
  for (const model::OpenFile& file : capture.image.open_files) {
    if (file.owner_type != F_OWNER_PGRP || file.owner_process != model::kNone) continue;
    const pid_t holder = capture.processes[file.process].pid;
    return proc::refuse(
        holder,
        "has a descriptor whose signals go to the process group of the app's first process "
        "(F_SETOWN), which is that of a launch's caller, outside of its pid namespace",
        "let it name a process, or a group that begins within the app; or leave out launch.pids = "
        "\"namespace\"");
  }
  return {};
}

/// The caller's /proc, which a launch sees, has other numbers than its namespace.
Result<void> check_files(const Capture& capture) {
  for (const model::OpenFile& file : capture.image.open_files)
    if (file.kind == fd::kind_id(fd::kProcessFile))
      return proc::refuse(
          capture.processes[file.process].pid,
          "has a file in /proc of a process of the app open, whose number in a "
          "launch's pid namespace is a stranger's there",
          "close it before the checkpoint; or leave out launch.pids = \"namespace\"");
  return {};
}

}  // namespace

Result<void> check_pid_namespace(Capture& capture) {
  if (!capture.request.pid_namespace) return {};
  THAW_TRY(check_first(capture));
  if (capture.root().record.foreground != model::kNone)
    return proc::refuse(capture.root().pid,
                        "has a job in the foreground of its caller's terminal, whose own group "
                        "has no number in the pid namespace of a launch",
                        kRemedy);
  THAW_TRY(check_files(capture));
  if (capture.request.guard_tries != 0)
    capture.warnings.emplace_back(
        "nobody watches launches that make a pid namespace (launch.guard): whoever could would end "
        "with it (docs/guard.md)");
  if (capture.request.user_namespace)
    capture.warnings.emplace_back(
        "launches by ordinary users are in a user namespace: set-user-id programs (sudo, ping) "
        "give the app no rights there, files of other users show as nobody's, and its "
        "supplementary "
        "groups have no numbers (docs/pids.md)");
  return check_owners(capture);
}

}  // namespace thaw::checkpoint
