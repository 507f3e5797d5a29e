// Controlling terminals: which of the app's own is that of a session that begins within the app, who
// has given his up, and which process group is in the foreground.
#include <algorithm>

#include "checkpoint/collect/collect.h"
#include "fd/pty.h"
#include "proc/members.h"
#include "proc/refuse.h"

namespace thaw::checkpoint {
namespace {

model::Process& record_of(Capture& capture, model::Index index) {
  const size_t running = capture.processes.size();
  return index < running ? capture.processes[index].record : capture.ended[index - running].record;
}

/// The process that leads the group, kNone: none of the app.
model::Index leader_of_group(Capture& capture, pid_t group) {
  const model::Index index = capture.process(group);
  return index != model::kNone && record_of(capture, index).process_group == index ? index
                                                                                   : model::kNone;
}

Result<void> collect_leader(Capture& capture, ProcessCapture& leader) {
  const auto terminal =
      std::find_if(capture.terminals.begin(), capture.terminals.end(),
                   [&leader](const auto& one) { return one.session == leader.pid; });
  if (terminal == capture.terminals.end())
    return proc::of_member(
        proc::refuse(leader.pid,
                     "has a controlling terminal in a session of its own whose two ends the app "
                     "does not hold",
                     "let the app give it the terminal (TIOCSCTTY) after the checkpoint, or hold "
                     "both ends open"),
        leader.pid);
  leader.record.controlling = terminal->object;
  leader.record.foreground = leader_of_group(capture, terminal->foreground);
  if (leader.record.foreground != model::kNone) return {};
  return proc::of_member(
      proc::refuse(leader.pid,
                   "has process group " + std::to_string(terminal->foreground) +
                       " in the foreground of its terminal, whose leader has ended or is no part "
                       "of the app",
                   "let it put another one there (tcsetpgrp(3)) before the checkpoint"),
      leader.pid);
}

/// What is open as /dev/tty is opened by who leads the session, and inherited by the others of it.
Result<void> check_holders(const Capture& capture, const ProcessCapture& process) {
  const model::Range& fds = process.record.fds;
  for (model::Index i = fds.first; i < fds.first + fds.count; ++i) {
    const model::Fd& fd = capture.image.fds[i];
    if (fd.open_file == model::kNone) continue;
    const model::OpenFile& file = capture.image.open_files[fd.open_file];
    if (!fd::is_controlling_terminal(file, capture.image.bytes(file.payload))) continue;
    const model::Index session = process.record.session;
    if (session != model::kNone && session < capture.processes.size() &&
        capture.processes[session].record.controlling == file.object)
      continue;
    return proc::of_member(
        proc::refuse(process.pid,
                     "has /dev/tty open (descriptor " + std::to_string(fd.number) +
                         "), by which another session has opened its own terminal",
                     "close it before the checkpoint, or open the terminal by its name"),
        process.pid);
  }
  return {};
}

}  // namespace

Result<void> collect_controlling_terminals(Capture& capture) {
  if (!capture.is_tree()) return {};
  THAW_ASSIGN(root, proc::read_kinship(capture.root().pid));
  if (root.terminal != 0 && root.terminal_group != root.group)
    capture.root().record.foreground = leader_of_group(capture, root.terminal_group);
  for (model::Index i = 1; i < capture.processes.size(); ++i) {
    ProcessCapture& process = capture.processes[i];
    THAW_ASSIGN(kin, proc::read_kinship(process.pid));
    const model::Index session = process.record.session;
    if (session == i && kin.terminal != 0) THAW_TRY(collect_leader(capture, process));
    // Parents come first, so the session's leader has been looked at.
    const bool has_one = session == model::kNone
                             ? root.terminal != 0
                             : record_of(capture, session).controlling != model::kNone;
    if (has_one && kin.terminal == 0) process.record.flags |= model::kNoTerminal;
  }
  for (const ProcessCapture& process : capture.processes) THAW_TRY(check_holders(capture, process));
  return {};
}

}  // namespace thaw::checkpoint
