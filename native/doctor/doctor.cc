#include "doctor/doctor.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "proc/check_supported.h"
#include "support/file.h"
#include "support/kernel.h"

namespace thaw::doctor {
namespace {

Finding kernel_version() {
  utsname name = {};
  uname(&name);
  int major = 0, minor = 0;
  sscanf(name.release, "%d.%d", &major, &minor);
  return {"kernel 5.10 or newer", major > 5 || (major == 5 && minor >= 10), name.release,
          "use a newer kernel"};
}

Finding finding(const std::string& name, const Result<void>& result, const char* good) {
  if (result) return {name, true, good, ""};
  return {name, false, result.error().what(), result.error().remedy};
}

Finding system_call(const char* name, long result, const char* config) {
  const bool there = result >= 0 || errno != ENOSYS;
  return {name, there, there ? "" : "the kernel does not have it", there ? "" : config};
}

/// Tried in a child: it would change this process.
bool can_unshare(int namespaces) {
  const pid_t child = fork();
  if (child == 0) _exit(unshare(namespaces) == 0 ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Finding time_namespace() {
  const bool ok = can_unshare(CLONE_NEWTIME);
  return {
      "time namespace", ok,
      ok ? "clocks continue from the checkpoint"
         : "clocks jump to now at a launch; after a reboot images made later in a boot start cold",
      ok ? "" : "CONFIG_TIME_NS and root (or CAP_SYS_ADMIN)"};
}

Finding pid_namespace() {
  const bool ok = can_unshare(CLONE_NEWPID | CLONE_NEWNS);
  return {"pid namespace", ok,
          ok ? "launch.pids = \"namespace\" can be launched"
             : "an image with launch.pids = \"namespace\" starts cold",
          ok ? "" : "CONFIG_PID_NS and root (or CAP_SYS_ADMIN)"};
}

Finding tracing() {
  if (auto allowed = check_tracing(); !allowed) return finding("ptrace", allowed, "");
  const std::string scope = yama_scope();
  if (scope.empty()) return {"ptrace", true, "not restricted", ""};
  const bool own = scope == "1" && geteuid() != 0;
  return {"ptrace", true,
          "yama/ptrace_scope is " + scope + (own ? ": of apps that thaw has started itself" : ""),
          ""};
}

Finding exe_link() {
  const bool ok = geteuid() == 0;
  return {"/proc/PID/exe shows the app", ok, ok ? "" : "for an ordinary user it shows thaw-exec",
          ok ? "" : "CAP_CHECKPOINT_RESTORE"};
}

}  // namespace

std::vector<Finding> examine_system() {
  if (auto real = check_not_emulated(); !real)
    return {kernel_version(), finding("ptrace", real, "")};
  std::vector<Finding> findings = {kernel_version(), finding("/proc", check_proc(), ""),
                                   finding("CONFIG_CHECKPOINT_RESTORE", check_memory_layout_call(),
                                           "prctl(PR_SET_MM_MAP) is there")};
  const long pidfd = syscall(SYS_pidfd_open, getpid(), 0);
  findings.push_back(system_call("pidfd_open", pidfd, "Linux 5.3"));
  if (pidfd >= 0) close(static_cast<int>(pidfd));
  findings.push_back(
      system_call("kcmp", syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, 0, 0), "CONFIG_KCMP=y"));
  const long memory = syscall(SYS_memfd_create, "thaw", MFD_CLOEXEC);
  findings.push_back(system_call("memfd_create", memory, "CONFIG_MEMFD_CREATE=y"));
  if (memory >= 0) close(static_cast<int>(memory));
  findings.push_back(tracing());
  findings.push_back(time_namespace());
  findings.push_back(pid_namespace());
  findings.push_back(exe_link());
  return findings;
}

std::vector<Finding> examine_process(pid_t pid) {
  return {finding("process " + std::to_string(pid), proc::check_supported(pid),
                  "nothing that thaw refuses at first sight")};
}

}  // namespace thaw::doctor
