#include "proc/bystander.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace thaw::proc {
namespace {

/// In the child of a process with threads: system calls only.
[[noreturn]] void stand_as(pid_t parent, uid_t uid, gid_t gid) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  // What we have open is not for its user. Refused where that is unknown: it still ends with us.
  syscall(SYS_close_range, 0, ~0u, 0);
  if ((getegid() == gid || syscall(SYS_setresgid, gid, gid, gid) == 0) &&
      (geteuid() == uid || syscall(SYS_setresuid, uid, uid, uid) == 0) &&
      syscall(SYS_capset, &header, none) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 &&
      // After the change of credentials, which clears it; our parent may have ended before.
      prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
    raise(SIGSTOP);
  _exit(1);
}

}  // namespace

Bystander::Bystander(uid_t uid, gid_t gid) {
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) stand_as(parent, uid, gid);
  siginfo_t info = {};
  stands_ = pid_ > 0 && waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED) == 0 &&
            info.si_code == CLD_STOPPED;
  if (pid_ > 0 && !stands_) pid_ = -1;  // It has ended and was reaped.
}

Bystander::~Bystander() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

}  // namespace thaw::proc
