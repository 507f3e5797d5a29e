// System calls that 32-bit ARM, or a newer kernel's table, has under another name: the numbers that are
// called on the CPU that this is compiled for. Freestanding.
#pragma once

#include <asm/unistd.h>

namespace thaw::arch {

#ifdef __NR_fcntl64
constexpr long kFcntl = __NR_fcntl64;
#else
constexpr long kFcntl = __NR_fcntl;
#endif
#ifdef __NR_fstatfs64
constexpr long kStatfs = __NR_fstatfs64;
#else
constexpr long kStatfs = __NR_fstatfs;
#endif
#ifdef __NR_futex
constexpr long kFutex = __NR_futex;
#else
constexpr long kFutex = __NR_futex_time64;
#endif
#ifdef __NR_utimensat_time64
constexpr long kSetTimes = __NR_utimensat_time64;
#else
constexpr long kSetTimes = __NR_utimensat;
#endif
#ifdef __NR_sendfile64
constexpr long kSendFile = __NR_sendfile64;
#else
constexpr long kSendFile = __NR_sendfile;
#endif
#ifdef __NR_arm_fadvise64_64
constexpr long kAdvise = __NR_arm_fadvise64_64;
#else
constexpr long kAdvise = __NR_fadvise64;
#endif

// 32-bit ARM has ids of 16 bits under the plain names.
#ifdef __NR_getuid32
constexpr long kGetUid = __NR_getuid32, kGetEffectiveUid = __NR_geteuid32;
constexpr long kGetGid = __NR_getgid32, kGetEffectiveGid = __NR_getegid32;
constexpr long kSetOwner = __NR_fchown32;
constexpr long kSetGroups = __NR_setgroups32, kSetUids = __NR_setresuid32;
constexpr long kSetGids = __NR_setresgid32, kSetFsUid = __NR_setfsuid32;
constexpr long kSetFsGid = __NR_setfsgid32;
#else
constexpr long kGetUid = __NR_getuid, kGetEffectiveUid = __NR_geteuid;
constexpr long kGetGid = __NR_getgid, kGetEffectiveGid = __NR_getegid;
constexpr long kSetOwner = __NR_fchown;
constexpr long kSetGroups = __NR_setgroups, kSetUids = __NR_setresuid;
constexpr long kSetGids = __NR_setresgid, kSetFsUid = __NR_setfsuid;
constexpr long kSetFsGid = __NR_setfsgid;
#endif
#ifdef __NR__llseek
constexpr long kSeek = __NR__llseek;
#else
constexpr long kSeek = __NR_lseek;
#endif
/// By libc; the restorer, which only cuts files to nothing, makes __NR_ftruncate.
#ifdef __NR_ftruncate64
constexpr long kTruncate = __NR_ftruncate64;
#else
constexpr long kTruncate = __NR_ftruncate;
#endif
/// By which libc's fstat(3) asks.
#ifdef __NR_newfstatat
constexpr long kFileStatus = __NR_newfstatat;
constexpr const char* kFileStatusName = "newfstatat";
#else
constexpr long kFileStatus = __NR_statx;
constexpr const char* kFileStatusName = "statx";
#endif
#ifdef __NR_timerfd_settime64
constexpr long kSetTimerFd = __NR_timerfd_settime64;
#else
constexpr long kSetTimerFd = __NR_timerfd_settime;
#endif

}  // namespace thaw::arch
