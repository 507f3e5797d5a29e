#include "restorer/feed.h"

#include <asm-generic/mman-common.h>
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "arch/this_cpu.h"
#include "restorer/clone.h"
#include "support/readable.h"

namespace thaw::restorer {
namespace {

/// Pages between two runs that are cheaper to read than to leave out.
constexpr uint64_t kReadThrough = 16 << 10;

/// From here on, a call that populates costs little more than the faults that it saves (measured on
/// x86-64: a page by fault 2.2 us; populated alone 3.3, by fours 2.4, by sixteens 2.0).
constexpr uint64_t kWorthPopulating = 16 << 10;

long advise(uint64_t address, uint64_t size, long advice) {
  return raw::call(__NR_madvise, static_cast<long>(address), static_cast<long>(size), advice);
}

bool is_rebuilt(const Handover& handover) {
  return __atomic_load_n(&handover.rebuilt, __ATOMIC_ACQUIRE) != 0;
}

/// Parts of files that are read ahead: those that follow each other closely in one call.
class Sweep {
 public:
  void add(int fd, uint64_t offset, uint64_t size) {
    if (fd == fd_ && offset >= end_ && offset - end_ <= kReadThrough) {
      end_ = offset + size;
      return;
    }
    flush();
    fd_ = fd;
    start_ = offset;
    end_ = offset + size;
  }
  void flush() const {
    if (fd_ >= 0) raw::readahead(fd_, start_, end_ - start_);
  }

 private:
  int fd_ = -1;
  uint64_t start_ = 0, end_ = 0;
};

/// The files behind the app's addresses, as its mappings will have them.
class Files {
 public:
  explicit Files(const Handover& handover) : handover_(handover) {}

  void add(Sweep& sweep, uint64_t address, uint64_t size) {
    const uint32_t count = handover_.process->ops.count;
    if (at_ >= count || !holds(at_, address)) at_ = find(address);
    if (at_ >= count) return;
    const model::Op& op = handover_.ops[at_];
    if (op.source == model::Op::kNoSource) return;
    const int fd = op.source == 0 ? handover_.image_fd : handover_.source_fds[op.source - 1];
    sweep.add(fd, op.offset + (address - op.address), size);
  }

 private:
  [[nodiscard]] bool holds(uint32_t index, uint64_t address) const {
    const model::Op& op = handover_.ops[index];
    return op.kind == model::OpKind::map && address >= op.address && address - op.address < op.size;
  }
  [[nodiscard]] uint32_t find(uint64_t address) const {
    uint32_t index = 0;
    while (index < handover_.process->ops.count && !holds(index, address)) ++index;
    return index;
  }

  const Handover& handover_;
  uint32_t at_ = 0;  ///< the op that the last one was in
};

/// What the launch copies, and the pages of files that it copies that over.
void read_ahead_copied(const Handover& handover, Sweep& sweep) {
  Files files(handover);
  for (uint32_t i = 0; i < handover.process->ops.count; ++i)
    if (const model::Op& op = handover.ops[i]; op.kind == model::OpKind::read)
      sweep.add(handover.image_fd, op.offset, op.size);
  for (uint32_t i = 0; i < handover.process->ops.count; ++i)
    if (const model::Op& op = handover.ops[i]; op.kind == model::OpKind::read)
      files.add(sweep, op.address, op.size);
}

/// Of the image, a run says itself where it is.
void add(Sweep& sweep, Files& files, const model::FeedRun& run, int image_fd) {
  if (run.offset != 0)
    sweep.add(image_fd, run.offset, run.size);
  else
    files.add(sweep, run.address, run.size);
}

/// By descriptor until the memory is there. @returns the first run that is left to be read
uint32_t read_ahead_files(const Handover& handover) {
  Sweep sweep;
  read_ahead_copied(handover, sweep);
  Files files(handover);
  uint32_t i = 0;
  for (; i < handover.feed_count && !is_rebuilt(handover); ++i)
    add(sweep, files, handover.feed_runs[i], handover.image_fd);
  sweep.flush();
  return i;
}

/// By address: a commit closes the descriptors.
void read_ahead_memory(const Handover& handover, uint32_t first) {
  uint64_t start = 0, end = 0;
  auto flush = [&] {
    if (end != 0) advise(start, end - start, MADV_WILLNEED);
  };
  for (uint32_t i = first; i < handover.feed_count; ++i) {
    const model::FeedRun& run = handover.feed_runs[i];
    if (end == 0 || run.address < end || run.address - end > kReadThrough) {
      flush();
      start = run.address;
    }
    end = run.address + run.size;
  }
  flush();
}

/// Starts the storage on everything, in long reads, before anyone waits for a part of it.
void read_ahead(const Handover& handover) {
  read_ahead_memory(handover, read_ahead_files(handover));
}

bool can_be_read(const Handover& handover, const model::FeedRun& run) {
  return make_readable(run.address, run.size, handover.page_size, [](uint64_t at) {
    return raw::call(__NR_rt_sigprocmask, kReadOnly, static_cast<long>(at), 0, kSignalSet) !=
           -EFAULT;
  });
}

/// Runs of `least` bytes and more. Ranges that changed since training, that the app has changed by
/// now, or that the storage cannot give, answer with an error and stay on demand.
void populate(const Handover& handover, bool reads, uint64_t least) {
  if (advise(handover.area_start, 0, MADV_POPULATE_WRITE) == -EINVAL) return;
  for (uint32_t i = 0; i < handover.feed_count; ++i) {
    const model::FeedRun& run = handover.feed_runs[i];
    if (run.size < least || (run.written == 0 && !reads)) continue;
    // What the page cache holds can be read; to map it first would only cost the app's CPUs a flush.
    if (handover.cached == 0 && !can_be_read(handover, run)) continue;
    if (run.written != 0) advise(run.address, run.size, MADV_POPULATE_WRITE);
  }
}

/// For what the app touches later. The app's own advice comes behind all mappings
/// (checkpoint/plan/ops.cc).
void allow_read_ahead(const Handover& handover) {
  const model::Range& ops = handover.process->ops;
  for (uint32_t i = 0; i < ops.count; ++i) {
    const model::Op& op = handover.ops[i];
    if (op.kind == model::OpKind::map && op.source != model::Op::kNoSource)
      advise(op.address, op.size, MADV_NORMAL);
    if (op.kind == model::OpKind::advise &&
        (op.flags == MADV_RANDOM || op.flags == MADV_SEQUENTIAL))
      advise(op.address, op.size, op.flags);
  }
}

/// What is only read, the kernel maps from the page cache by itself, many pages at a time. To do it
/// here as well only costs time (measured: redis and Python start up to a fifth slower).
void populate(const Handover& handover) {
  if (handover.cached != 0) {
    populate(handover, false, kWorthPopulating);
  } else {
    populate(handover, true, 0);
    allow_read_ahead(handover);
  }
}

void wait_for(const uint32_t* word) {
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0)
    raw::call(__NR_futex, reinterpret_cast<long>(word), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0,
              0);
}

constexpr long kMostCpus = 8192;  // NR_CPUS of the largest configurations
constexpr long kBits = 8 * sizeof(unsigned long);

/// The CPUs that this thread may run on.
struct Cpus {
  unsigned long mask[kMostCpus / kBits] = {};
  long words = 0;

  Cpus() {
    const long size =
        raw::call(__NR_sched_getaffinity, 0, sizeof(mask), reinterpret_cast<long>(mask));
    words = size > 0 ? size / static_cast<long>(sizeof(unsigned long)) : 0;
  }
  [[nodiscard]] int count() const {
    int count = 0;
    for (long i = 0; i < words; ++i)
      for (unsigned long rest = mask[i]; rest != 0; rest &= rest - 1) ++count;
    return count;
  }
};

/// The scheduler would find that out itself, but only after a while that is longer than a launch.
/// A filter of system calls may kill for it: services often go without systemd's @resources.
void leave_cpu(uint32_t cpu) {
  if (raw::call(__NR_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) != 0) return;
  Cpus cpus;
  if (cpu >= static_cast<uint32_t>(cpus.words * kBits) || cpus.count() < 2) return;
  cpus.mask[cpu / kBits] &= ~(1ul << (cpu % kBits));
  raw::call(__NR_sched_setaffinity, 0, cpus.words * static_cast<long>(sizeof(unsigned long)),
            reinterpret_cast<long>(cpus.mask));
}

[[noreturn]] void run_feeder(void* argument) {
  const Handover& handover = *static_cast<const Handover*>(argument);
  static constexpr char kName[16] = "thaw-feeder";
  raw::call(__NR_prctl, PR_SET_NAME, reinterpret_cast<long>(kName), 0, 0, 0);
  leave_cpu(handover.leader_cpu);
  if (handover.cached == 0) read_ahead(handover);
  wait_for(&handover.rebuilt);
  populate(handover);
  // Until the leader has left the restorer area as well: it sets the park word on its way out.
  wait_for(reinterpret_cast<const uint32_t*>(static_cast<uintptr_t>(handover.process->park_word)));
  raw::enter_leave(handover.leave_code, handover.area_start, own_area_size(handover));
}

/// With --keep-pid, a feeder could take the id of one of the app's threads. The app's filters would
/// hold for its calls, too. From the page cache it needs a CPU that the app does not need itself.
bool may_have_feeder(const Handover& handover) {
  return handover.process->threads.count > 1 && handover.keep_pid == 0 &&
         handover.process->seccomp_filters.count == 0 &&
         (handover.cached == 0 || Cpus().count() > 1);
}

/// On the stack behind those of the app's threads.
bool start_feeder(Handover& handover) {
  if (!may_have_feeder(handover)) return false;
  CloneArguments arguments = {};
  arguments.flags = kThreadFlags;
  arguments.stack = handover.stacks + handover.process->threads.count * handover.stack_size;
  arguments.stack_size = handover.stack_size;
  raw::call(__NR_getcpu, reinterpret_cast<long>(&handover.leader_cpu), 0, 0);
  handover.feeder = 1;  // Before it runs: it must find what it will do.
  if (raw::clone_thread(&arguments, sizeof(arguments), run_feeder, &handover) > 0) return true;
  handover.feeder = 0;
  return false;
}

}  // namespace

uint64_t own_area_size(const Handover& handover) {
  return handover.area_size - handover.delivery_size;
}

void feed_from_storage(Handover& handover) {
  if (handover.feed_count == 0 || handover.cached != 0) return;
  if (!start_feeder(handover)) read_ahead(handover);
}

void feed_rebuilt_memory(Handover& handover) {
  __atomic_store_n(&handover.rebuilt, 1, __ATOMIC_RELEASE);
  if (handover.feeder != 0)
    raw::call(__NR_futex, reinterpret_cast<long>(&handover.rebuilt),
              FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
  else if (handover.feed_count != 0 && handover.cached == 0)
    allow_read_ahead(handover);
}

void feed_from_cache(Handover& handover) {
  if (handover.feed_count == 0 || handover.cached == 0) return;
  start_feeder(handover);
}

}  // namespace thaw::restorer
