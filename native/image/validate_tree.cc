#include "image/validate_tree.h"

#include <fcntl.h>

#include <csignal>
#include <vector>

#include "image/tree.h"

namespace thaw::image {
namespace {

using namespace model;

constexpr uint32_t kSignals = 64;
constexpr uint32_t kUnchanged = ~0u;  ///< setresuid(2) takes it for no change

/// A zombie has nothing that a launch would make.
bool is_empty(const Process& p) {
  for (const Range& range :
       {p.mappings, p.fds, p.sigactions, p.timers, p.pending, p.ops, p.gaps, p.id_patches,
        p.id_notices, p.seccomp_filters, p.attachments, p.mode_copies})
    if (range.count != 0 || range.first != 0) return false;
  return true;
}

const char* check_state(const Process& p) {
  if (p.state > ProcessState::zombie) return "a process of the image is in an unknown state";
  // At its end, a launch that is given up would end, or stand still, as well.
  if (p.exit_signal > kSignals || p.exit_signal == SIGKILL || p.exit_signal == SIGSTOP)
    return "a process of the image ends with an unknown signal";
  if (p.state == ProcessState::runs && p.exit_status != 0 && p.exit_status != kContinued)
    return "a process of the image that runs has a state that no process has";
  if (p.state == ProcessState::stopped && p.exit_status != 0 && !is_stop_status(p.exit_status))
    return "a process of the image is stopped by an unknown signal";
  if (p.state != ProcessState::zombie) return nullptr;
  if (!is_end_of_process(p.exit_status)) return "a process of the image has ended impossibly";
  if (p.threads.count != 1 || !is_empty(p)) return "an ended process of the image is not empty";
  return nullptr;
}

const char* check_parent(std::span<const Process> processes, Index self) {
  const Process& p = processes[self];
  if ((p.parent == kNone) != (self == 0) || (self != 0 && p.parent >= self))
    return "a process of the image has an impossible parent";
  if (self == 0 && (p.state != ProcessState::runs || p.exit_status != 0))
    return "the first process of the image does not run";
  if (self != 0 && processes[p.parent].state == ProcessState::zombie)
    return "an ended process of the image has a child";
  return nullptr;
}

/// Whether `leader` gives its id to its session or group, as `own` says of it.
bool leads(std::span<const Process> processes, Index leader, Index Process::*own) {
  return leader < processes.size() && processes[leader].*own == leader;
}

const char* check_session(std::span<const Process> processes, Index self) {
  constexpr const char* kProblem = "a process of the image has an impossible session or group";
  const Process& p = processes[self];
  const Index session = p.session, group = p.process_group;
  if (self == 0) return session == kNone && group == kNone ? nullptr : kProblem;
  if (session != kNone && !leads(processes, session, &Process::session)) return kProblem;
  if (session == self && group != self) return kProblem;
  if (group == kNone) return session == kNone ? nullptr : kProblem;
  if (!leads(processes, group, &Process::process_group) || processes[group].session != session)
    return kProblem;
  // Its parent puts it there, which only can what is in the same session.
  if (p.state == ProcessState::zombie && group != self && group != session &&
      processes[p.parent].session != session)
    return kProblem;
  return nullptr;
}

/// The root has its caller's.
bool sound_credentials(const View& view, Index self) {
  const Index credentials = view.processes()[self].credentials;
  return credentials == kNone || (self != 0 && credentials < view.credentials().size());
}

/// Whether process `foreground` leads a group of that session.
bool leads_group_in(std::span<const Process> processes, Index foreground, Index session) {
  return leads(processes, foreground, &Process::process_group) &&
         processes[foreground].session == session;
}

const char* check_terminal(const View& view, Index self) {
  constexpr const char* kProblem = "a process of the image has an impossible terminal";
  const auto processes = view.processes();
  const Process& p = processes[self];
  const bool leads_session = self != 0 && p.session == self && p.state != ProcessState::zombie;
  if (self == 0 && p.foreground == kNone) return p.controlling == kNone ? nullptr : kProblem;
  if (self == 0)
    return p.controlling == kNone && leads_group_in(processes, p.foreground, kNone) ? nullptr
                                                                                    : kProblem;
  if ((p.controlling == kNone) != (p.foreground == kNone)) return kProblem;
  if (p.controlling == kNone) return nullptr;
  if (!leads_session || p.controlling >= view.objects().size() ||
      view.objects()[p.controlling].kind != ObjectKind::pty ||
      !leads_group_in(processes, p.foreground, self))
    return kProblem;
  for (Index other = 1; other < self; ++other)
    if (processes[other].controlling == p.controlling) return kProblem;
  return nullptr;
}

bool sound_owner(std::span<const Process> processes, const OpenFile& file) {
  if (file.owner_process == kNone)
    return file.owner_type < 0 || file.owner_type == F_OWNER_PGRP || processes.size() == 1;
  if (file.owner_process >= processes.size()) return false;
  const Process& owner = processes[file.owner_process];
  return file.owner_thread == kNone || file.owner_thread < owner.threads.count;
}

}  // namespace

const char* validate_tree(const View& view) {
  const auto processes = view.processes();
  if (processes.empty()) return "the image holds no process";
  if (processes.size() > kMostProcesses) return "the image holds too many processes";
  uint64_t threads = 0;
  for (Index i = 0; i < processes.size(); ++i) {
    const Process& p = processes[i];
    if (const char* problem = check_parent(processes, i)) return problem;
    if (const char* problem = check_state(p)) return problem;
    if (const char* problem = check_session(processes, i)) return problem;
    if (const char* problem = check_terminal(view, i)) return problem;
    if (p.threads.count == 0 || p.threads.first != threads)
      return "the threads of the image's processes do not follow each other";
    threads += p.threads.count;
    if (!sound_credentials(view, i)) return "a process of the image has impossible credentials";
    if (p.program_file != kNone && p.program_file >= view.files().size())
      return "a process of the image has no program";
  }
  if (threads != view.threads().size()) return "the image holds threads of no process";
  if (processes.size() == 1) return nullptr;
  if (born_before_session(processes).empty())
    return "the sessions of the image's processes cannot be made";
  return nullptr;
}

bool sound_credentials(const Credentials& c) {
  constexpr uint64_t kMostGroups = 65536;  // NGROUPS_MAX
  for (const uint32_t id : {c.users[0], c.users[1], c.users[2], c.users[3], c.groups[0],
                            c.groups[1], c.groups[2], c.groups[3]})
    if (id == kUnchanged) return false;
  return c.supplementary.size % sizeof(uint32_t) == 0 &&
         c.supplementary.size / sizeof(uint32_t) <= kMostGroups &&
         (c.effective & ~c.permitted) == 0 && (c.ambient & ~(c.permitted & c.inheritable)) == 0 &&
         (c.own & ~kCredentialFlags) == 0;
}

const char* validate_file_users(const View& view) {
  constexpr const char* kProblem = "an open file of the image belongs to no process";
  const auto processes = view.processes();
  const auto files = view.open_files();
  for (const OpenFile& file : files) {
    if (file.process >= processes.size()) return kProblem;
    if (!sound_owner(processes, file)) return "an open file of the image signals no process";
    if ((file.uid == kNone) != (file.gid == kNone))
      return "an open file of the image belongs to half a user";
  }
  if (processes.size() == 1) return nullptr;
  std::vector<bool> open(files.size(), false);
  std::vector<bool> held(files.size(), false);
  for (Index i = 0; i < processes.size(); ++i)
    for (const Fd& fd : View::part(view.fds(), processes[i].fds))
      if (fd.open_file != kNone) {
        open[fd.open_file] = true;
        if (files[fd.open_file].process == i) held[fd.open_file] = true;
      }
  if (open != held) return kProblem;  // What only messages hold, the root finishes.
  return nullptr;
}

}  // namespace thaw::image
