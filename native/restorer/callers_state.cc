#include "restorer/callers_state.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "arch/call_numbers.h"
#include "arch/this_cpu.h"
#include "restorer/cold_start.h"
#include "restorer/members.h"
#include "restorer/signals.h"

namespace thaw::restorer {
void note_undo(Handover& handover, long number, long a, long b, long c) {
  CallersState& callers = handover.cold.callers;
  if (callers.call_count == kMostUndoCalls) check(handover, -ENOMEM, "too much to undo");
  callers.calls[callers.call_count++] = {number, a, b, c};
}

void replace_coredump_filter(Handover& handover) {
  if (handover.tree != nullptr && handover.tree->callers_coredump_filter.is_there()) return;
  const long fd = open_coredump_filter();
  if (fd == -ENOENT || fd == -EACCES) return;
  constexpr const char* kProblem = "cannot set what core dumps hold";
  check(handover, fd, kProblem);
  check(handover,
        exchange_coredump_filter(fd, coredump_filter_of(*handover.process),
                                 handover.cold.callers.coredump_filter),
        kProblem);
  raw::call(__NR_close, fd);
}

void replace_interval_timers(Handover& handover) {
  for (int which = 0; which < 3; ++which) {
    const model::IntervalTimer& timer = handover.process->itimers[which];
    // An interval without a value: it has expired and waits for its signal to be taken.
    const uint64_t value_us = timer.value_us != 0 ? timer.value_us : timer.interval_us;
    if (value_us == 0) continue;
    const long value[4] = {static_cast<long>(timer.interval_us / 1'000'000),
                           static_cast<long>(timer.interval_us % 1'000'000),
                           static_cast<long>(value_us / 1'000'000),
                           static_cast<long>(value_us % 1'000'000)};
    long* callers = handover.cold.callers.itimers[which];
    check(handover,
          raw::call(__NR_setitimer, which, reinterpret_cast<long>(value),
                    reinterpret_cast<long>(callers)),
          "cannot start an interval timer");
    note_undo(handover, __NR_setitimer, which, reinterpret_cast<long>(callers));
  }
}

void replace_descriptor_flags(Handover& handover) {
  for (int fd = 0; fd < 3; ++fd) {
    if ((handover.process->nonblocking >> fd & 1) == 0) continue;
    const long flags = raw::call(arch::kFcntl, fd, F_GETFL, 0);
    if (flags < 0 || (flags & (O_NONBLOCK | O_PATH)) != 0) continue;
    note_undo(handover, arch::kFcntl, fd, F_SETFL, flags);
    check(handover, raw::call(arch::kFcntl, fd, F_SETFL, flags | O_NONBLOCK),
          "cannot have a standard descriptor not wait");
  }
}

void put_back_callers_state(const Handover& handover) {
  const CallersState& callers = handover.cold.callers;
  for (uint32_t i = callers.call_count; i-- > 0;)
    raw::call(callers.calls[i].number, callers.calls[i].a, callers.calls[i].b, callers.calls[i].c,
              0, 0);
  put_back_coredump_filter(callers.coredump_filter);
  put_back_signals(callers);
}

}  // namespace thaw::restorer
