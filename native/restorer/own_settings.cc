#include "restorer/own_settings.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "arch/this_cpu.h"
#include "restorer/callers_state.h"
#include "restorer/cold_start.h"

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

/// Lowering it below what it once was needs CAP_SYS_RESOURCE, as for the app itself.
void restore_oom_score(const Handover& handover) {
  if ((handover.process->flags & model::kOwnOomScore) == 0) return;
  const int32_t score = handover.process->oom_score_adj;
  char text[6];
  uint32_t size = 0;
  if (score < 0) text[size++] = '-';
  const auto value = static_cast<uint32_t>(score < 0 ? -score : score);
  for (uint32_t unit = 1000; unit != 0; unit /= 10)
    if (value >= unit || unit == 1) text[size++] = static_cast<char>('0' + value / unit % 10);
  const long fd =
      raw::call(__NR_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/oom_score_adj"),
                O_WRONLY | O_CLOEXEC, 0);
  const long result = fd < 0 ? fd : raw::call(__NR_write, fd, reinterpret_cast<long>(text), size);
  if (fd >= 0) raw::call(__NR_close, fd);
  warn(handover, result, "cannot set oom_score_adj as the app had");
}

void replace_umask(Handover& handover) {
  const model::Process& process = *handover.process;
  if ((process.flags & model::kOwnUmask) == 0) return;
  const long callers = raw::call(__NR_umask, static_cast<long>(process.umask));
  check(handover, callers, "cannot set the umask that the app had");
  note_undo(handover, __NR_umask, callers);
}

void expect_limits(Handover& handover) {
  model::Limit limit;  // struct rlimit64
  if (handover.process->own_limits != 0)
    check(handover, raw::call(__NR_prlimit64, 0, 0, 0, reinterpret_cast<long>(&limit)),
          "cannot set the limits that the app had");
}

void restore_limits(const Handover& handover) {
  const model::Process& process = *handover.process;
  for (uint32_t i = 0; i < sizeof(process.limits) / sizeof(process.limits[0]); ++i)
    if ((process.own_limits >> i & 1) != 0) set_limit(i, process.limits[i]);
}

}  // namespace thaw::restorer
