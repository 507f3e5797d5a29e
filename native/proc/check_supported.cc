#include "proc/check_supported.h"

#include <unistd.h>

#include <algorithm>

#include "support/file.h"
#include "support/kernel.h"

namespace thaw::proc {
namespace {

Error refuse(pid_t pid, const std::string& what, std::string remedy = {}) {
  return Error{0, "process " + std::to_string(pid) + " " + what, std::move(remedy)};
}

Result<void> check_children(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
  THAW_ASSIGN(tids, numeric_entries(tasks));
  for (const int tid : tids) {
    auto children = read_file(tasks + std::to_string(tid) + "/children");
    if (!children) continue;
    const auto pids = split(children.value(), " \n");
    if (pids.empty()) continue;
    const std::string child(pids[0]);
    auto comm = read_file("/proc/" + child + "/comm");
    return refuse(
        pid,
        "has a child process (" + child + ", " +
            (comm ? std::string(trim(comm.value())) : "unknown") +
            "), and thaw restores one process",
        "let the app start children after the checkpoint, or switch its worker processes off");
  }
  return {};
}

Result<void> check_credentials(pid_t pid, std::string_view status) {
  for (const char* key : {"Uid:", "Gid:"}) {
    const auto ids = split(line_value(status, key), "\t ");
    if (ids.size() == 4 &&
        std::all_of(ids.begin(), ids.end(), [&ids](auto id) { return id == ids[0]; }))
      continue;
    return refuse(pid,
                  std::string("has mixed credentials (") + key + " " +
                      std::string(line_value(status, key)) + ")",
                  "start it as the user that it shall run as (`user` in the profile)");
  }
  return {};
}

/// Kernel threads that an io_uring has made in the process; they cannot be stopped.
bool is_io_worker(std::string_view status) {
  return line_value(status, "Name:").starts_with("iou-");
}

/// What confines a thread: the threads of a launch all have what its caller gives them.
constexpr const char* kConfinement[] = {"Uid:",    "Gid:",    "Groups:", "CapInh:",     "CapPrm:",
                                        "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"};

Result<void> check_threads(pid_t pid, std::string_view leader) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
  THAW_ASSIGN(tids, numeric_entries(tasks));
  for (const int tid : tids) {
    auto read = read_file(tasks + std::to_string(tid) + "/status");
    if (!read) continue;  // It has ended.
    const std::string_view status = read.value();
    if (is_io_worker(status))
      return refuse(pid,
                    "has an io_uring with threads of the kernel (" +
                        std::string(line_value(status, "Name:")) + "), which cannot be stopped",
                    "switch io_uring off (UV_USE_IO_URING=0 for Node and libuv)");
    for (const char* key : kConfinement) {
      const std::string_view own = line_value(status, key), main = line_value(leader, key);
      if (own == main) continue;
      return refuse(pid,
                    "has a thread (" + std::to_string(tid) +
                        ") with other rights than its main thread: " + key + " " +
                        std::string(own) + ", not " + std::string(main),
                    "let the app confine its threads after the checkpoint");
    }
  }
  return {};
}

/// Root has, after an exec, all that its bounding set allows (capabilities(7)).
Result<void> check_capabilities(pid_t pid, std::string_view status) {
  const uint64_t permitted = number(line_value(status, "CapPrm:"), 16);
  const uint64_t bounding = number(line_value(status, "CapBnd:"), 16);
  const bool root = split(line_value(status, "Uid:"), "\t ")[1] == "0";
  if (!root || (bounding & ~permitted) == 0) return {};
  return refuse(pid, "has given up capabilities, which a launch by root would have again",
                "take them away from its caller instead (CapabilityBoundingSet= of systemd, "
                "setpriv --bounding-set), or start it as another user");
}

Result<void> check_root(pid_t pid) {
  THAW_ASSIGN(root, read_link("/proc/" + std::to_string(pid) + "/root"));
  auto own = read_link("/proc/self/root");
  if (own && own.value() != root)
    return refuse(pid, "has the root directory " + root, "run thaw inside that root");
  return {};
}

}  // namespace

Result<void> check_supported(pid_t pid) {
  THAW_TRY(check_not_emulated());
  auto status = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!status) return Error{ESRCH, "there is no process " + std::to_string(pid)};
  const std::string_view text = status.value();
  if (pid == getpid()) return refuse(pid, "is thaw itself");
  if (line_value(text, "Tgid:") != std::to_string(pid))
    return refuse(pid, "is a thread",
                  "name its process, " + std::string(line_value(text, "Tgid:")));
  if (line_value(text, "VmSize:").empty()) return refuse(pid, "is a kernel thread or has ended");
  const std::string_view seccomp = line_value(text, "Seccomp:");
  if (!seccomp.empty() && seccomp != "0")
    return refuse(pid, "has a seccomp filter, which cannot be restored",
                  "switch the app's sandbox off for the checkpoint, or confine it from outside "
                  "(the caller of thaw-exec)");
  THAW_TRY(check_credentials(pid, text));
  THAW_TRY(check_capabilities(pid, text));
  THAW_TRY(check_threads(pid, text));
  THAW_TRY(check_root(pid));
  return check_children(pid);
}

}  // namespace thaw::proc
