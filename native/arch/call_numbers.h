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

}  // namespace thaw::arch
