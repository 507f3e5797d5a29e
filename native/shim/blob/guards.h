// The memory calls of libc, on memory that was mapped from the image (docs/hazards.md says why).
// Each takes what the system call takes and answers what it answers: a negative errno on failure.
#pragma once

#include <stdint.h>

namespace thaw::shim {

long guarded_madvise(uint64_t start, uint64_t size, int advice);
long guarded_mremap(uint64_t old_start, uint64_t old_size, uint64_t new_size, uint64_t flags,
                    uint64_t new_start);
long guarded_mmap(uint64_t start, uint64_t size, long prot, long flags, long fd, uint64_t offset);
long guarded_munmap(uint64_t start, uint64_t size);
long guarded_mprotect(uint64_t start, uint64_t size, long prot, long pkey);

/// "no key": plain mprotect(2).
constexpr long kNoKey = -2;

}  // namespace thaw::shim
