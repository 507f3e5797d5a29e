// The freestanding half of the CPU that this is compiled for.
#pragma once

#if defined(__x86_64__)
#include "arch/x86_64/restorer.h"
#elif defined(__aarch64__)
#include "arch/aarch64/restorer.h"
#elif defined(__arm__)
#include "arch/armv7/restorer.h"
#else
#error "thaw knows x86-64, AArch64 and ARMv7"
#endif

#include <asm/unistd.h>

namespace thaw::raw {

/// mmap(2) with an offset in bytes; 32-bit CPUs have mmap2(2), which counts in units of 4096
/// whatever the page size.
inline long mmap(uint64_t address, uint64_t size, long prot, long flags, int fd, uint64_t offset) {
#ifdef __NR_mmap2
  return call(__NR_mmap2, static_cast<long>(address), static_cast<long>(size), prot, flags, fd,
              static_cast<long>(offset / 4096));
#else
  return call(__NR_mmap, static_cast<long>(address), static_cast<long>(size), prot, flags, fd,
              static_cast<long>(offset));
#endif
}

}  // namespace thaw::raw
