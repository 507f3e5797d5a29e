#include "proc/check_supported.h"

#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "proc/check_confinement.h"
#include "proc/check_scheduling.h"
#include "proc/check_tree.h"
#include "proc/refuse.h"
#include "proc/system_v.h"
#include "support/file.h"
#include "support/kernel.h"

namespace thaw::proc {
namespace {

/// Kernel threads that an io_uring has made in the process; they cannot be stopped.
bool is_io_worker(std::string_view status) {
  return line_value(status, "Name:").starts_with("iou-");
}

Result<void> check_io_workers(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
  THAW_ASSIGN(tids, numeric_entries(tasks));
  for (const int tid : tids) {
    auto status = read_file(tasks + std::to_string(tid) + "/status");
    if (!status || !is_io_worker(status.value())) continue;
    return refuse(pid,
                  "has an io_uring with threads of the kernel (" +
                      std::string(line_value(status.value(), "Name:")) +
                      "), which cannot be stopped",
                  "switch io_uring off (UV_USE_IO_URING=0 for Node and libuv)");
  }
  return {};
}

bool has_attached(pid_t pid, const Segment& segment) {
  const auto vmas = read_mappings(pid);
  return vmas && std::any_of(vmas.value().begin(), vmas.value().end(), [&segment](const Vma& vma) {
           return is_of_segment(vma) && vma.ino == static_cast<uint64_t>(segment.id);
         });
}

/// Of those that one of the app's processes has attached, the mappings tell more
/// (checkpoint/plan/segments.h).
Result<void> check_segments(pid_t pid, std::span<const pid_t> members) {
  for (const Segment& segment : read_segments()) {
    const bool used = !segment.is_removed() && (segment.maker == pid || segment.last == pid);
    if (!used || std::any_of(members.begin(), members.end(),
                             [&segment](pid_t member) { return has_attached(member, segment); }))
      continue;
    return refuse(pid,
                  "has used System V shared memory (key " + segment.key_text() + ", id " +
                      std::to_string(segment.id) +
                      ") that it has not attached, whose id may be another's when it is launched",
                  "let the app call shmget(2) after the checkpoint, or remove it before "
                  "(shmctl(id, IPC_RMID))");
  }
  return {};
}

/// Then all memory is of that node, whatever an app asks for.
bool has_one_node() {
  auto nodes = read_file("/sys/devices/system/node/possible");
  return nodes && trim(nodes.value()) == "0";
}

/// A mapping with a memory policy (mbind(2)) is told by another one than the program's first has: for
/// all others the kernel shows that of the main thread.
Result<void> check_memory_policies(pid_t pid) {
  if (has_one_node()) return {};  // To read it is to walk through all page tables.
  auto maps = read_file("/proc/" + std::to_string(pid) + "/numa_maps");
  std::string_view given;
  for (const std::string_view line : split(maps ? maps.value() : std::string_view(), "\n")) {
    const auto fields = split(line, " ");  // address, policy, what it maps
    if (fields.size() < 2) continue;
    if (given.empty()) given = fields[1];
    if (fields[1] == given) continue;
    return refuse(pid,
                  "has memory with a policy of its own (mbind(2): mapping " +
                      std::string(fields[0]) + ", " + std::string(fields[1]) + ")",
                  "let the app do that after the checkpoint, or switch its use of NUMA nodes off "
                  "(Java: -XX:-UseNUMA)");
  }
  return {};
}

/// The one that the machine starts with has this number (PROC_USER_INIT_INO of linux/proc_ns.h). A
/// kernel without CONFIG_USER_NS has no other, and no such link.
bool is_in_first_user_namespace() {
  const auto own = read_link("/proc/self/ns/user");
  return !own || own.value() == "user:[4026531837]";
}

/// The kernel shows a filter to a tracer with CAP_SYS_ADMIN of the whole machine that has none
/// itself.
bool can_read_filters() {
  const auto own = read_file("/proc/self/status");
  return own && is_in_first_user_namespace() && line_value(own.value(), "Seccomp:") == "0" &&
         (number(line_value(own.value(), "CapEff:"), 16) >> CAP_SYS_ADMIN & 1) != 0;
}

Result<void> check_seccomp(pid_t pid, std::string_view status) {
  const std::string_view seccomp = line_value(status, "Seccomp:");
  const bool strict = seccomp == "1";
  if (seccomp.empty() || seccomp == "0" || (!strict && can_read_filters())) return {};
  return refuse(pid,
                strict ? "is in seccomp's strict mode, in which no launch could end"
                       : "has a seccomp filter, which only root outside of containers can read",
                std::string(strict ? ""
                                   : "build its profile as root (`user` in it names who runs "
                                     "the app), ") +
                    "switch the app's sandbox off for the checkpoint, or confine it from outside "
                    "(the caller of thaw-exec)");
}

Result<std::string> status_of(pid_t pid) {
  auto status = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!status) return Error{ESRCH, "there is no process " + std::to_string(pid)};
  return status;
}

/// Of one process, `members` of whose app run.
std::vector<Error> refusals_of(pid_t pid, std::span<const pid_t> members) {
  std::vector<Error> found;
  auto add = [&found](const Result<void>& result) {
    if (!result) found.push_back(result.error());
  };
  auto status = status_of(pid);
  if (!status) return {status.error()};
  const std::string_view text = status.value();
  add(check_seccomp(pid, text));
  for (Error& error : confinement_refusals(pid, text, pid == members.front()))
    found.push_back(std::move(error));
  add(check_scheduling(pid));
  add(check_segments(pid, members));
  add(check_memory_policies(pid));
  return found;
}

}  // namespace

Result<void> check_traceable(pid_t pid) {
  THAW_TRY(check_not_emulated());
  THAW_ASSIGN(text, status_of(pid));
  if (pid == getpid()) return refuse(pid, "is thaw itself");
  if (line_value(text, "Tgid:") != std::to_string(pid))
    return refuse(pid, "is a thread",
                  "name its process, " + std::string(line_value(text, "Tgid:")));
  if (line_value(text, "VmSize:").empty())
    return refuse(pid, is_exiting(pid, pid) ? "has ended" : "is a kernel thread");
  return check_io_workers(pid);
}

std::vector<Error> refusals(const Members& members, Ids ids) {
  std::vector<Error> found;
  for (const pid_t pid : members.running)
    for (Error& error : refusals_of(pid, members.running))
      found.push_back(pid == members.running.front() ? std::move(error)
                                                     : of_member(std::move(error), pid));
  for (Error& error : tree_refusals(members, ids)) found.push_back(std::move(error));
  return found;
}

Result<void> check_supported(pid_t root, Ids ids) {
  const Members members = members_of(root);
  for (const pid_t pid : members.running) {
    auto traceable = check_traceable(pid);
    if (traceable || (pid != root && has_ended(pid))) continue;
    return pid == root ? traceable.error() : of_member(traceable.error(), pid);
  }
  return joined(refusals(members, ids));
}

}  // namespace thaw::proc
