// Members that signals have stopped: what wait(2) would tell their parents, which the kernel alone
// knows. It is the parent that asks, so that it looks as it does for the app, and takes nothing away.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "checkpoint/collect/collect.h"
#include "image/tree.h"
#include "proc/members.h"

namespace thaw::checkpoint {
namespace {

/// Of a child that has not ended, as wait(2) would tell it now; 0: nothing new.
Result<uint32_t> ask_parent(RemoteSyscalls& remote, pid_t child) {
  constexpr uint64_t kOptions = WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT | __WALL;
  static_assert(sizeof(siginfo_t) <= RemoteSyscalls::kScratchSize);
  const siginfo_t nothing = {};
  THAW_TRY(remote.write_scratch(&nothing, sizeof(nothing)));
  THAW_ASSIGN(result, remote.call(SYS_waitid, P_PID, static_cast<uint64_t>(child), remote.scratch(),
                                  kOptions, 0));
  if (result != 0)
    return Error{static_cast<int>(-result),
                 "cannot ask for the state of process " + std::to_string(child)};
  THAW_ASSIGN(info, remote.read_scratch<siginfo_t>());
  if (info.si_pid == 0) return uint32_t{0};
  if (info.si_code == CLD_CONTINUED) return model::kContinued;
  return image::stop_status(info.si_status);
}

}  // namespace

Result<void> collect_stops_of_children(Capture& capture, const ProcessCapture& parent,
                                       RemoteSyscalls& remote) {
  if (capture.processes.size() < 2) return {};
  for (const pid_t pid : proc::children_of(parent.pid)) {
    const model::Index index = capture.process(pid);
    if (index == model::kNone || index >= capture.processes.size()) continue;
    ProcessCapture& child = capture.processes[index];
    if (child.stop_signal != 0) child.record.state = model::ProcessState::stopped;
    THAW_ASSIGN(status, ask_parent(remote, pid));
    child.record.exit_status = status;
  }
  return {};
}

}  // namespace thaw::checkpoint
