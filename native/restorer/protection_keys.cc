#include "restorer/protection_keys.h"

#include <asm/errno.h>
#include <asm/unistd.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"

namespace thaw::restorer {
namespace {

uint32_t wanted(const Handover& handover) {
  return uint32_t{handover.process->protection_keys} | handover.process->kernels_keys;
}

void free_keys(Handover& handover, uint32_t keys) {
  for (uint32_t key = 1; key < 16; ++key)
    if ((keys >> key & 1) != 0)
      check(handover, raw::call(__NR_pkey_free, static_cast<long>(key)),
            "cannot free a protection key");
}

}  // namespace

void allocate_keys(Handover& handover) {
  for (uint32_t key = 1; wanted(handover) >> key != 0; ++key) {
    // The lowest that is free.
    const long got = raw::call(__NR_pkey_alloc, 0, 0);
    check(handover,
          got < 0                         ? got
          : got != static_cast<long>(key) ? -EBUSY
                                          : 0,
          "cannot allocate a protection key");
  }
  // The kernel takes it for the first memory that can be executed only.
  free_keys(handover, handover.process->kernels_keys);
}

void free_spare_keys(Handover& handover) {
  uint32_t below = 0;
  for (uint32_t key = 1; wanted(handover) >> key != 0; ++key) below |= 1u << key;
  free_keys(handover, below & ~wanted(handover));
}

}  // namespace thaw::restorer
