#include "support/kernel.h"

#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "support/file.h"

namespace thaw {

Result<void> check_not_emulated() {
  // No process has the id 0: a kernel answers ESRCH.
  if (ptrace(PTRACE_CONT, 0, nullptr, nullptr) == 0 || errno != ENOSYS) return {};
  return Error{0, "this is QEMU user emulation, which has no ptrace",
               "use a guest (cross/guest.sh run) or the device itself"};
}

Result<void> check_memory_layout_call() {
  // A kernel that does not know it fails and writes no size (prctl(2), PR_SET_MM_MAP_SIZE).
  unsigned size = 0;
  prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0);
  if (size != 0) return {};
  return Error{0, "prctl(PR_SET_MM_MAP) is missing",
               "set CONFIG_CHECKPOINT_RESTORE=y in the device's kernel"};
}

Result<void> check_proc() {
  struct statfs system = {};
  if (statfs("/proc", &system) == 0 && system.f_type == PROC_SUPER_MAGIC) return {};
  return Error{0, "/proc is not mounted: nothing can be built, and launches are cold",
               "mount -t proc proc /proc"};
}

std::string yama_scope() {
  auto scope = read_file("/proc/sys/kernel/yama/ptrace_scope");
  return std::string(scope ? trim(scope.value()) : "");
}

namespace {

bool can_trace() {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  const bool ok = ptrace(PTRACE_SEIZE, child, nullptr, nullptr) == 0;
  kill(child, SIGKILL);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return ok;
}

}  // namespace

Result<void> check_tracing() {
  if (can_trace()) return {};
  // Its values: Documentation/admin-guide/LSM/Yama.rst of the kernel.
  const std::string scope = yama_scope();
  const std::string lost =
      ": nothing can be built; launches need it for keys of pointer authentication alone";
  if (scope == "3")
    return Error{0, "yama/ptrace_scope is 3" + lost,
                 "it stays until the next boot: take kernel.yama.ptrace_scope=3 out of "
                 "/etc/sysctl.d and /etc/sysctl.conf, and boot again"};
  if (scope == "2" && geteuid() != 0)
    return Error{0, "yama/ptrace_scope is 2" + lost,
                 "sysctl kernel.yama.ptrace_scope=1, or build profiles as root"};
  return Error{0, "ptrace is forbidden here" + lost,
               "build outside of this container or sandbox, or have it allow ptrace(2)"};
}

}  // namespace thaw
