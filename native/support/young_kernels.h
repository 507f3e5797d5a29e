// Constants of the kernel that are younger than the headers of Debian 12 (Linux 6.1): for each the
// header that has it and the version that brought it. All CPUs have the same values. Freestanding.
#pragma once

#include <stdint.h>

namespace thaw::young {

constexpr int kMadvGuardInstall = 102;  ///< MADV_GUARD_INSTALL, <asm-generic/mman-common.h>, 6.13
constexpr unsigned kMapDroppable = 8;   ///< MAP_DROPPABLE, <linux/mman.h>, 6.11
constexpr long kNrMseal = 462;          ///< __NR_mseal, <asm/unistd.h>, 6.10
constexpr int kScmPidFd = 4;            ///< SCM_PIDFD, include/linux/socket.h of the kernel, 6.5
constexpr unsigned kMfdNoexecSeal = 8;  ///< MFD_NOEXEC_SEAL, <linux/memfd.h>, 6.3
constexpr unsigned kMfdExec = 16;       ///< MFD_EXEC, <linux/memfd.h>, 6.3
constexpr int kMembarrierGetRegistrations = 1 << 9;  ///< <linux/membarrier.h>, 6.3
constexpr int kGetSyscallUserDispatch =
    0x4211;  ///< PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, <linux/ptrace.h>, 6.4
constexpr int kPrSetMdwe = 65, kPrGetMdwe = 66;  ///< PR_SET_MDWE, <linux/prctl.h>, 6.3
constexpr int kPrMdweRefuseExecGain = 1;         ///< PR_MDWE_REFUSE_EXEC_GAIN, <linux/prctl.h>, 6.3
constexpr int kPrMdweNoInherit = 2;              ///< PR_MDWE_NO_INHERIT, <linux/prctl.h>, 6.6
constexpr int kThpDisableExceptAdvised =
    2;  ///< PR_THP_DISABLE_EXCEPT_ADVISED, <linux/prctl.h>, 6.18
constexpr int kPrSetMemoryMerge = 67,
              kPrGetMemoryMerge = 68;         ///< PR_SET_MEMORY_MERGE, <linux/prctl.h>, 6.4
constexpr int kPrTimerCreateRestoreIds = 77;  ///< PR_TIMER_CREATE_RESTORE_IDS, 6.15
constexpr unsigned kSealExec = 32;            ///< F_SEAL_EXEC, <linux/fcntl.h>, 6.3

/// struct pidfd_info of <linux/pidfd.h>, 6.13, as far as that.
struct PidFdInfo {
  uint64_t mask, cgroup;
  uint32_t ids[11];
  int32_t exit_code;  ///< as of wait(2), where `mask` has kPidFdInfoExit: 6.15, of who was reaped
};
constexpr unsigned long kPidFdGetInfo = 0xc040ff0b;  ///< PIDFD_GET_INFO, of that size
constexpr uint64_t kPidFdInfoExit = 8;               ///< PIDFD_INFO_EXIT

}  // namespace thaw::young
