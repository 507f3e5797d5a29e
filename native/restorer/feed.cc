#include "restorer/feed.h"

#include <asm-generic/mman-common.h>
#include <asm/unistd.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "arch/this_cpu.h"
#include "restorer/clone.h"

namespace thaw::restorer {
namespace {

constexpr long kPopulateRead = 22, kPopulateWrite = 23;  // MADV_POPULATE_*, since Linux 5.14
constexpr long kUnknownAdvice = -22;                     // EINVAL

/// Pages between two runs that are cheaper to read than to leave out.
constexpr uint64_t kReadThrough = 64 << 10;

long advise(uint64_t address, uint64_t size, long advice) {
  return raw::call(__NR_madvise, static_cast<long>(address), static_cast<long>(size), advice);
}

/// Starts the storage on everything, in long reads, before anyone waits for a part of it.
void read_ahead(const Launch& launch) {
  uint64_t start = 0, end = 0;
  for (uint32_t i = 0; i < launch.feed_count; ++i) {
    const model::FeedRun& run = launch.feed_runs[i];
    if (run.address >= end && run.address - end <= kReadThrough && end != 0) {
      end = run.address + run.size;
      continue;
    }
    if (end != 0) advise(start, end - start, MADV_WILLNEED);
    start = run.address;
    end = run.address + run.size;
  }
  if (end != 0) advise(start, end - start, MADV_WILLNEED);
}

/// Ranges that changed since training, or that the app has changed by now, answer with an error and
/// stay on demand.
void populate(const Launch& launch, bool reads) {
  for (uint32_t i = 0; i < launch.feed_count; ++i) {
    const model::FeedRun& run = launch.feed_runs[i];
    if (run.written == 0 && !reads) continue;
    const long advice = run.written != 0 ? kPopulateWrite : kPopulateRead;
    if (advise(run.address, run.size, advice) == kUnknownAdvice && i == 0) return;
  }
}

/// True if a byte of the image can be had without waiting for the storage (RWF_NOWAIT, Linux 4.14).
bool is_cached(const Launch& launch, uint64_t offset) {
  char byte = 0;
  struct {
    void* base;
    unsigned long size;
  } room = {&byte, 1};
  return raw::call(__NR_preadv2, launch.image_fd, reinterpret_cast<long>(&room), 1,
                   static_cast<long>(offset), static_cast<long>(offset >> 32), RWF_NOWAIT) == 1;
}

/// A few samples tell whether the page cache holds the working set.
bool is_cached(const Launch& launch) {
  constexpr uint32_t kSamples = 16;
  const uint32_t step = launch.feed_count / kSamples + 1;
  for (uint32_t i = 0; i < launch.feed_count; i += step)
    if (launch.feed_runs[i].offset != 0 && !is_cached(launch, launch.feed_runs[i].offset))
      return false;
  return true;
}

/// For what the app touches later. The app's own advice comes behind all mappings
/// (checkpoint/emit.cc).
void allow_read_ahead(const Launch& launch) {
  const model::Range& ops = launch.process->ops;
  for (uint32_t i = 0; i < ops.count; ++i) {
    const model::Op& op = launch.ops[i];
    if (op.kind == model::OpKind::map && op.source != model::Op::kNoSource)
      advise(op.address, op.size, MADV_NORMAL);
    if (op.kind == model::OpKind::advise &&
        (op.flags == MADV_RANDOM || op.flags == MADV_SEQUENTIAL))
      advise(op.address, op.size, op.flags);
  }
}

/// From the page cache, the kernel maps what is read well enough by itself, many pages at a time:
/// to do it here as well only costs (measured: redis and Python start up to a fifth slower).
void feed(const Launch& launch, bool cached) {
  if (!cached) read_ahead(launch);
  populate(launch, !cached);
  if (!cached) allow_read_ahead(launch);
}

/// Until the leader has left the restorer area as well: it sets the park word on its way out.
void wait_for_resume(const Launch& launch) {
  const auto* word =
      reinterpret_cast<const uint32_t*>(static_cast<uintptr_t>(launch.process->park_word));
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0)
    raw::call(__NR_futex, reinterpret_cast<long>(word), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0,
              0);
}

[[noreturn]] void run_feeder(void* argument) {
  const Launch& launch = *static_cast<const Launch*>(argument);
  static constexpr char kName[16] = "thaw-feeder";
  raw::call(__NR_prctl, PR_SET_NAME, reinterpret_cast<long>(kName), 0, 0, 0);
  feed(launch, launch.cached != 0);
  wait_for_resume(launch);
  raw::enter_leave(launch.leave_code, launch.area_start, own_area_size(launch));
}

/// The stack behind those of the app's threads.
bool start_feeder(Launch& launch) {
  CloneArguments arguments = {};
  arguments.flags = kThreadFlags;
  arguments.stack = launch.stacks + launch.process->threads.count * launch.stack_size;
  arguments.stack_size = launch.stack_size;
  return raw::clone_thread(&arguments, sizeof(arguments), run_feeder, &launch) > 0;
}

}  // namespace

uint64_t own_area_size(const Launch& launch) {
  return launch.area_size - launch.delivery_size;
}

void look_at_page_cache(Launch& launch) {
  if (launch.feed_count != 0) launch.cached = is_cached(launch) ? 1 : 0;
}

void feed_working_set(Launch& launch) {
  if (launch.feed_count == 0) return;
  // With --keep-pid, the feeder could take the id of one of the app's threads.
  const bool beside = launch.process->threads.count > 1 && launch.keep_pid == 0;
  launch.feeder = beside ? 1 : 0;  // Before it runs: it must find what it will do.
  if (beside && start_feeder(launch)) return;
  launch.feeder = 0;
  feed(launch, launch.cached != 0);
}

}  // namespace thaw::restorer
