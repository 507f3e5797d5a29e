// Who is whose parent in a tree, in which process group and session; and who has ended.
#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "checkpoint/collect/collect.h"
#include "proc/members.h"
#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

/// The process that has this id; kNone: the caller's, which is what the root has.
Result<model::Index> leader(const Capture& capture, pid_t id, pid_t roots, const char* what) {
  if (id == roots) return model::kNone;
  const model::Index index = capture.process(id);
  if (index != model::kNone) return index;
  return Error{0, "the app has a process in " + std::string(what) + " " + std::to_string(id) +
                      ", whose leader has ended or is no part of the app"};
}

Result<void> collect_kin(const Capture& capture, const proc::Kinship& root, pid_t pid,
                         model::Process& record) {
  THAW_ASSIGN(kin, proc::read_kinship(pid));
  record.parent = capture.process(kin.parent);
  if (record.parent == model::kNone)
    return Error{EAGAIN, "process " + std::to_string(pid) + " has lost its parent"};
  THAW_ASSIGN(session, leader(capture, kin.session, root.session, "session"));
  THAW_ASSIGN(group, leader(capture, kin.group, root.group, "process group"));
  record.session = session;
  record.process_group = group;
  record.exit_signal = kin.exit_signal;
  constexpr uint32_t kDumpedCore = 0x80;
  if (record.state == model::ProcessState::zombie)
    record.exit_status = kin.exit_status & ~kDumpedCore;
  return {};
}

/// Members may run programs of their own.
Result<void> collect_program_file(Capture& capture, ProcessCapture& process) {
  const std::string link = "/proc/" + std::to_string(process.pid) + "/exe";
  THAW_ASSIGN(path, read_link(link));
  const UniqueFd fd(open(link.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() || path.ends_with(" (deleted)"))
    return Error{ENOENT, "the program " + path + " of process " + std::to_string(process.pid) +
                             " is gone from the disk"};
  THAW_ASSIGN(file, capture.image.file(fd.get(), path, model::kFileProgram));
  process.record.program_file = file;
  return {};
}

/// Runtimes whose adapter (docs/adapters.md) corrects what they keep, in the app's first process.
constexpr std::string_view kRuntimes[] = {"node", "python", "ruby", "java"};

void warn_of_runtime(Capture& capture, const ProcessCapture& process) {
  const model::File& file = capture.image.files[process.record.program_file];
  const std::string name(base_name(capture.image.bytes(file.path)));
  if (std::none_of(std::begin(kRuntimes), std::end(kRuntimes),
                   [&name](std::string_view runtime) { return name.starts_with(runtime); }))
    return;
  capture.warnings.push_back(
      "other processes than the app's first run " + name +
      ": what that runtime has drawn or kept for itself (random numbers above all, also time zone "
      "and environment) is the same in each launch there; the adapter corrects the first process");
}

/// The signal comes at the end of the thread that has made the process, not of its process.
Result<void> check_death_signal(const Capture& capture, const ProcessCapture& process) {
  const model::Range threads = process.record.threads;
  const bool asked =
      std::any_of(capture.image.threads.begin() + threads.first,
                  capture.image.threads.begin() + threads.first + threads.count,
                  [](const model::Thread& thread) { return thread.parent_death_signal != 0; });
  if (!asked || capture.is_root(process)) return {};
  const std::string parent = std::to_string(capture.processes[process.record.parent].pid);
  const auto children = read_file("/proc/" + parent + "/task/" + parent + "/children");
  const auto pids = split(children ? children.value() : std::string_view(), " \n");
  const bool alone = capture.processes[process.record.parent].threads.size() == 1;
  if (alone || std::find(pids.begin(), pids.end(), std::to_string(process.pid)) != pids.end())
    return {};
  return proc::of_member(
      proc::refuse(process.pid,
                   "gets a signal at the end of the thread that has made it (PR_SET_PDEATHSIG), "
                   "which is not the main thread of its parent",
                   "let the app make it in its main thread"),
      process.pid);
}

void look_at_ended(image::Builder& image, EndedProcess& ended) {
  const pid_t pid = ended.pid;
  ended.record.pid = static_cast<uint32_t>(pid);
  ended.record.state = model::ProcessState::zombie;
  ended.record.threads = {static_cast<model::Index>(image.threads.size()), 1};
  model::Thread thread;
  thread.tid = static_cast<uint32_t>(pid);
  strncpy(thread.comm, proc::name_of(pid).c_str(), sizeof(thread.comm) - 1);
  image.threads.push_back(thread);
}

}  // namespace

Result<void> collect_kinship(Capture& capture) {
  for (EndedProcess& process : capture.ended) look_at_ended(capture.image, process);
  if (!capture.is_tree()) return {};
  if (capture.request.keep_pid)
    return Error{
        0, "the app has several processes, which cannot keep their pids (keep_pid)",
        "set launch.keep_pid = false: what they keep of their pids in memory is corrected; or "
        "launch.pids = \"namespace\""};
  THAW_ASSIGN(root, proc::read_kinship(capture.root().pid));
  for (size_t i = 1; i < capture.processes.size(); ++i) {
    THAW_TRY(collect_kin(capture, root, capture.processes[i].pid, capture.processes[i].record));
    THAW_TRY(check_death_signal(capture, capture.processes[i]));
    THAW_TRY(collect_program_file(capture, capture.processes[i]));
    warn_of_runtime(capture, capture.processes[i]);
  }
  for (EndedProcess& process : capture.ended) {
    THAW_TRY(collect_kin(capture, root, process.pid, process.record));
    THAW_TRY(collect_users(capture, process));
  }
  return {};
}

}  // namespace thaw::checkpoint
