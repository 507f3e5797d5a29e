#include "restorer/own_settings.h"

#include <asm/unistd.h>

#include "arch/this_cpu.h"

namespace thaw::restorer {
namespace {

uint64_t lower(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

void set_limit(uint32_t resource, const model::Limit& wanted) {
  model::Limit limit;  // struct rlimit64
  if (raw::call(__NR_prlimit64, 0, resource, 0, reinterpret_cast<long>(&limit)) < 0) return;
  limit.hard = lower(wanted.hard, limit.hard);
  limit.soft = lower(wanted.soft, limit.hard);
  raw::call(__NR_prlimit64, 0, resource, reinterpret_cast<long>(&limit), 0);
}

}  // namespace

void restore_own_settings(const Handover& handover) {
  const model::Process& process = *handover.process;
  if ((process.flags & model::kOwnUmask) != 0)
    raw::call(__NR_umask, static_cast<long>(process.umask));
  for (uint32_t i = 0; i < sizeof(process.limits) / sizeof(process.limits[0]); ++i)
    if ((process.own_limits >> i & 1) != 0) set_limit(i, process.limits[i]);
}

}  // namespace thaw::restorer
