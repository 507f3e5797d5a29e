// The restorer: freestanding code that replaces thaw-exec's memory by the app's and resumes it. No
// libc, no TLS, no stack protector: none of these exist between the first munmap and the last
// sigreturn.
//
//   release our own memory → rebuild the app's → make its threads, parked → feed it → commit →
//   resume
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
#include "restorer/launch.h"
#include "restorer/memory.h"
#include "restorer/process.h"
#include "restorer/threads.h"

namespace thaw::restorer {
namespace {

void mark(Launch& launch, Phase phase) {
  if (launch.log >= kLogTrace) launch.times[phase] = now_ns();
}

void print_phases(const Launch& launch) {
  static constexpr char kNames[][8] =  // No pointers: nobody relocates them.
      {"open", "unmap", "map", "threads", "feed", "commit"};
  for (uint32_t i = 0; i + 1 < kPhases; ++i)
    print_trace(launch, kNames[i], (launch.times[i + 1] - launch.times[i]) / 1000);
}

}  // namespace

/// Entry of the blob, on the leader's stack in the restorer area.
extern "C" [[noreturn]] __attribute__((section(".text.entry"))) void thaw_restore(
    Launch* launch_pointer) {
  Launch& launch = *launch_pointer;
  mark(launch, kOpened);
  check(launch, release_own_memory(launch), "cannot release thaw-exec's memory");
  mark(launch, kUnmapped);
  feed_from_storage(launch);
  rebuild_memory(launch);
  mark(launch, kMapped);
  feed_rebuilt_memory(launch);
  start_threads(launch);
  mark(launch, kThreads);
  feed_from_cache(launch);
  mark(launch, kFed);
  restore_process(launch);
  mark(launch, kCommitted);
  if (launch.log >= kLogTrace) print_phases(launch);
  const model::Process& process = *launch.process;
  raw::enter_finish(launch.finish_code, launch.threads[0].frame, process.park_word,
                    launch.area_start, launch.feeder != 0 ? 0 : own_area_size(launch));
}

}  // namespace thaw::restorer
