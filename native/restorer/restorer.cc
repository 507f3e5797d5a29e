// The restorer: freestanding code that replaces thaw-exec's memory by the app's and resumes it. No
// libc, no TLS, no stack protector: none of these exist between the first munmap and the last
// sigreturn.
//
//   release our own memory → rebuild the app's → make its threads, parked
//   → feed it → meet the other processes of a tree → commit → resume
//
// Until commit every failure ends in a cold start: nothing that a plain exec would not undo has
// happened.
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"
#include "restorer/feed.h"
#include "restorer/handover.h"
#include "restorer/helpers.h"
#include "restorer/ids.h"
#include "restorer/memory.h"
#include "restorer/process.h"
#include "restorer/seccomp.h"
#include "restorer/threads.h"
#include "restorer/tree.h"

namespace thaw::restorer {
namespace {

void mark(Handover& handover, Phase phase) {
  if (handover.log >= kLogTrace) handover.times[phase] = now_ns();
}

void print_phases(const Handover& handover) {
  for (uint32_t i = 0; i + 1 < kPhases; ++i)
    print_trace(handover, kPhaseNames[i], (handover.times[i + 1] - handover.times[i]) / 1000);
}

}  // namespace

/// Entry of the blob, on the leader's stack in the restorer area.
extern "C" [[noreturn]] __attribute__((section(".text.entry"))) void thaw_restore(
    Handover* handover_pointer) {
  Handover& handover = *handover_pointer;
  mark(handover, kOpened);
  check(handover, release_own_memory(handover), "cannot release thaw-exec's memory");
  mark(handover, kUnmapped);
  feed_from_storage(handover);
  rebuild_memory(handover);
  mark(handover, kMapped);
  settle_inputs(handover);
  listen_for_app(handover);
  restore_membarrier(handover);
  feed_rebuilt_memory(handover);
  start_threads(handover);
  mark(handover, kThreads);
  feed_from_cache(handover);
  mark(handover, kFed);
  meet_others(handover);
  correct_ids(handover);
  write_texts(handover);
  restore_process(handover);
  mark(handover, kCommitted);
  if (handover.log >= kLogTrace) print_phases(handover);
  settle_tree(handover);
  restore_filters(handover);
  const model::Process& process = *handover.process;
  raw::enter_finish(handover.finish_code, handover.threads[0].frame, process.park_word,
                    handover.area_start, handover.feeder != 0 ? 0 : own_area_size(handover));
}

}  // namespace thaw::restorer
