#include "proc/check_confinement.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "proc/members.h"
#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::proc {
namespace {

Result<void> check_credentials(pid_t pid, std::string_view status) {
  for (const char* key : {"Uid:", "Gid:"}) {
    const auto ids = split(line_value(status, key), "\t ");
    if (ids.size() == 4 &&
        std::all_of(ids.begin(), ids.end(), [&ids](auto id) { return id == ids[0]; }))
      continue;
    return refuse(
        pid,
        std::string("has mixed credentials (") + key + " " + std::string(line_value(status, key)) +
            ")",
        "start it as the user and group that it shall run as (`user` in the profile), and "
        "switch off its own change to them (an option or a line of its configuration: "
        "user, group, setuid)");
  }
  return {};
}

/// What an exec leaves permitted and effective (capabilities(7)): root has all that its bounding
/// and inheritable sets allow, others the ambient ones. Programs with capabilities of their own are
/// never launched from an image.
Result<void> check_capabilities(pid_t pid, std::string_view status) {
  auto set = [status](const char* key) { return number(line_value(status, key), 16); };
  const bool root = split(line_value(status, "Uid:"), "\t ")[1] == "0";
  const uint64_t permitted = set("CapPrm:"), effective = set("CapEff:");
  const uint64_t given = root ? set("CapBnd:") | set("CapInh:") : set("CapAmb:");
  if (root && ((given & ~permitted) != 0 || effective != permitted))
    return refuse(pid, "has given up capabilities, which a launch by root would have again",
                  "take them away from its caller instead (CapabilityBoundingSet= of systemd, "
                  "setpriv --bounding-set), or start it as another user");
  if (!root && (permitted != given || effective != given))
    return refuse(pid,
                  "has other capabilities (CapPrm " + std::string(line_value(status, "CapPrm:")) +
                      ") than an exec leaves an ordinary user (CapAmb " +
                      std::string(line_value(status, "CapAmb:")) + ")",
                  "give it those that it needs from its caller (AmbientCapabilities= of systemd, "
                  "setpriv --ambient-caps), and let it not change them before the checkpoint");
  return {};
}

constexpr const char* kNamespaces[] = {"mnt",  "net", "uts",    "ipc",
                                       "user", "pid", "cgroup", "pid_for_children"};

std::string namespace_of(const std::string& folder, const char* name) {
  auto link = read_link(folder + "/ns/" + name);
  return link ? link.value() : std::string();
}

/// The time namespace is not asked for: a launch makes its own (support/time_namespace.h).
Result<void> check_namespaces(pid_t pid) {
  for (const char* name : kNamespaces) {
    const std::string app = namespace_of("/proc/" + std::to_string(pid), name);
    const std::string own = namespace_of("/proc/self", name);
    if (app == own || app.empty() || own.empty()) continue;
    std::string problem = "is in another namespace than thaw (";
    problem.append(name).append(": ").append(app).append(", not ").append(own);
    return refuse(pid, problem + "), where a launch would not be",
                  "let its caller make the namespace (PrivateNetwork=, PrivateTmp= and the like of "
                  "systemd), and run thaw inside it: nsenter --all --target " +
                      std::to_string(pid));
  }
  return {};
}

/// What confines a thread, or guards it: the threads of a launch all have what its caller gives.
constexpr const char* kConfinement[] = {"Uid:",
                                        "Gid:",
                                        "Groups:",
                                        "CapInh:",
                                        "CapPrm:",
                                        "CapEff:",
                                        "CapBnd:",
                                        "CapAmb:",
                                        "NoNewPrivs:",
                                        "Seccomp:",
                                        "Umask:",
                                        "Speculation_Store_Bypass:",
                                        "SpeculationIndirectBranch:"};

Result<void> check_thread_status(pid_t pid, int tid, std::string_view status,
                                 std::string_view leader) {
  for (const char* key : kConfinement) {
    const std::string_view own = line_value(status, key), main = line_value(leader, key);
    if (own == main) continue;
    return refuse(pid,
                  "has a thread (" + std::to_string(tid) +
                      ") with other rights than its main thread: " + key + " " + std::string(own) +
                      ", not " + std::string(main),
                  "let the app confine its threads after the checkpoint");
  }
  return {};
}

/// Threads share these unless one has called unshare(2) or was made by a bare clone(2).
Result<void> check_shared(pid_t pid, int tid) {
  static constexpr struct {
    int type;
    const char* what;
  } kShared[] = {{KCMP_FS, "working directory, root and umask of its own (CLONE_FS)"},
                 {KCMP_FILES, "table of descriptors of its own (CLONE_FILES)"},
                 {KCMP_SYSVSEM, "list of semaphore undos of its own (CLONE_SYSVSEM)"}};
  for (const auto& [type, what] : kShared) {
    // Negative: a kernel without kcmp(2), of which thaw doctor tells.
    if (syscall(SYS_kcmp, pid, tid, type, 0, 0) <= 0) continue;
    return refuse(pid, "has a thread (" + std::to_string(tid) + ") with a " + what,
                  "let the app start this thread after the checkpoint");
  }
  for (const char* name : kNamespaces) {
    const std::string folder = "/proc/" + std::to_string(pid);
    const std::string own = namespace_of(folder + "/task/" + std::to_string(tid), name);
    if (own.empty() || own == namespace_of(folder, name)) continue;
    return refuse(pid,
                  "has a thread (" + std::to_string(tid) + ") in a namespace of its own (" + name +
                      ": " + own + ")",
                  "let the app start this thread after the checkpoint");
  }
  return {};
}

Result<void> check_threads(pid_t pid, std::string_view leader) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
  THAW_ASSIGN(tids, numeric_entries(tasks));
  for (const int tid : tids) {
    if (tid == pid) continue;
    auto status = read_file(tasks + std::to_string(tid) + "/status");
    if (!status) continue;  // It has ended.
    auto result = check_thread_status(pid, tid, status.value(), leader);
    if (result) result = check_shared(pid, tid);
    // Who is about to end has lost some of it already.
    if (!result && !is_exiting(pid, tid)) return result;
  }
  return {};
}

Result<void> check_root(pid_t pid) {
  THAW_ASSIGN(root, read_link("/proc/" + std::to_string(pid) + "/root"));
  auto own = read_link("/proc/self/root");
  if (own && own.value() != root)
    return refuse(pid, "has the root directory " + root, "run thaw inside that root");
  return {};
}

/// Mitigations that the app has switched for itself (PR_SET_SPECULATION_CTRL).
Result<void> check_speculation(pid_t pid, std::string_view status) {
  THAW_ASSIGN(own, read_file("/proc/self/status"));
  for (const char* key : {"Speculation_Store_Bypass:", "SpeculationIndirectBranch:"}) {
    const std::string_view app = line_value(status, key), given = line_value(own, key);
    if (app == given) continue;
    return refuse(pid,
                  "has set its speculation control (" + std::string(key) + " " + std::string(app) +
                      ", not " + std::string(given) + ")",
                  "let the app set it after the checkpoint, or its caller before");
  }
  return {};
}

}  // namespace

std::vector<Error> confinement_refusals(pid_t pid, std::string_view status, bool is_root) {
  std::vector<Error> found;
  const auto add = [&found](const Result<void>& result) {
    if (!result) found.push_back(result.error());
  };
  if (is_root) {
    add(check_credentials(pid, status));
    add(check_capabilities(pid, status));
    add(check_root(pid));
  }
  add(check_namespaces(pid));
  add(check_speculation(pid, status));
  add(check_threads(pid, status));
  return found;
}

}  // namespace thaw::proc
