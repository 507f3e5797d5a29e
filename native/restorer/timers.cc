#include "restorer/timers.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/signal.h>
#include <linux/time.h>

#include "arch/this_cpu.h"
#include "restorer/callers_state.h"
#include "restorer/cold_start.h"
#include "restorer/ids.h"
#include "restorer/threads.h"
#include "support/app_call.h"
#include "support/young_kernels.h"

namespace thaw::restorer {
namespace {

/// struct sigevent, as large as the kernel reads it.
struct TimerEvent {
  unsigned long value;
  int signal, notify;
  int tid;
  char padding[64];
};

/// Kernels before 6.15 give ids in ascending order; there, ids that the app had deleted are made and
/// deleted again.
long create_timer(const Handover& handover, const model::PosixTimer& timer) {
  TimerEvent event = {static_cast<unsigned long>(timer.value),
                      static_cast<int>(timer.signal),
                      static_cast<int>(timer.notify),
                      0,
                      {}};
  if (timer.notify == SIGEV_THREAD_ID)
    event.tid = static_cast<int>(new_tid(handover, timer.thread));
  const uint32_t clock = timer.clock_thread == model::kNone
                             ? timer.clock
                             : cpu_clock(new_tid(handover, timer.clock_thread), timer.clock);
  constexpr int kMostIds = 1 << 16;
  for (int i = 0; i < kMostIds; ++i) {
    int id = timer.id;  // Taken where the kernel can be asked for an id, else only answered.
    const long result = raw::call(__NR_timer_create, static_cast<long>(static_cast<int>(clock)),
                                  reinterpret_cast<long>(&event), reinterpret_cast<long>(&id));
    if (result < 0) return result;
    if (id == timer.id) return 0;
    raw::call(__NR_timer_delete, id);
    if (id > timer.id) return -EEXIST;
  }
  return -EEXIST;
}

}  // namespace

void create_timers(Handover& handover) {
  if (handover.process->timers.count == 0) return;
  note_undo(handover, __NR_prctl, young::kPrTimerCreateRestoreIds, 0);
  raw::call(__NR_prctl, young::kPrTimerCreateRestoreIds, 1, 0, 0, 0);
  for (uint32_t i = 0; i < handover.process->timers.count; ++i)
    check(handover, create_timer(handover, handover.timers[i]), "cannot make a POSIX timer");
  raw::call(__NR_prctl, young::kPrTimerCreateRestoreIds, 0, 0, 0, 0);
}

uint32_t limit_hooks(uint32_t milliseconds) {
  TimerEvent event = {0, THAW_SIGNAL, SIGEV_SIGNAL, 0, {}};
  int id = -1;
  if (raw::call(__NR_timer_create, CLOCK_MONOTONIC, reinterpret_cast<long>(&event),
                reinterpret_cast<long>(&id)) < 0)
    return 0;
  const long value[4] = {0, 0, static_cast<long>(milliseconds / 1000),
                         static_cast<long>(milliseconds % 1000 * 1'000'000)};
  raw::call(__NR_timer_settime, id, 0, reinterpret_cast<long>(value), 0);
  return static_cast<uint32_t>(id) + 1;
}

/// With what remained at checkpoint: a periodic timer goes on in its rhythm. Those that wait for a
/// time of the day have their own (32-bit CPUs count its seconds up to 2038 here).
void arm_timers(Handover& handover) {
  for (uint32_t i = 0; i < handover.process->timers.count; ++i) {
    const model::PosixTimer& timer = handover.timers[i];
    if (timer.value_ns == 0) continue;
    constexpr uint64_t kSecond = 1'000'000'000;
    const bool absolute =
        timer.expiry_ns != 0 && timer.expiry_ns / kSecond <= static_cast<unsigned long>(-1) / 2;
    const uint64_t value_ns = absolute ? timer.expiry_ns : timer.value_ns;
    long value[4] = {static_cast<long>(timer.interval_ns / kSecond),
                     static_cast<long>(timer.interval_ns % kSecond),
                     static_cast<long>(value_ns / kSecond), static_cast<long>(value_ns % kSecond)};
    check(handover,
          raw::call(__NR_timer_settime, timer.id, absolute ? TIMER_ABSTIME : 0,
                    reinterpret_cast<long>(value), 0),
          "cannot arm a POSIX timer");
  }
}

}  // namespace thaw::restorer
