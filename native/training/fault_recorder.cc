#include "training/fault_recorder.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace thaw::training {
namespace {

/// Room for 65,536 faults on each CPU; the least that an ordinary user may have locked for it
/// (kernel.perf_event_mlock_kb, 516) is enough for 8,192.
constexpr size_t kPages[] = {512, 64};

perf_event_attr description(bool in_kernel) {
  perf_event_attr event = {};
  event.type = PERF_TYPE_SOFTWARE;
  event.size = sizeof(event);
  event.config = PERF_COUNT_SW_PAGE_FAULTS;
  event.sample_period = 1;
  event.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR;
  event.disabled = 1;
  event.enable_on_exec = 1;
  event.inherit = 1;
  event.exclude_kernel = in_kernel ? 0 : 1;
  event.exclude_hv = 1;
  event.use_clockid = 1;  // Comparable between CPUs.
  event.clockid = CLOCK_MONOTONIC;
  return event;
}

struct Sample {
  perf_event_header header;
  uint32_t pid, tid;
  uint64_t time, address;
};

/// The ring's data; a record may lie around its end.
class Data {
 public:
  Data(const void* start, size_t size) : start_(static_cast<const char*>(start)), size_(size) {}

  void copy(uint64_t position, void* to, size_t size) const {
    const size_t at = position % size_, first = std::min(size, size_ - at);
    memcpy(to, start_ + at, first);
    memcpy(static_cast<char*>(to) + first, start_, size - first);
  }

 private:
  const char* start_;
  size_t size_;
};

}  // namespace

FaultRecorder::~FaultRecorder() {
  for (const Ring& ring : rings_) munmap(ring.start, ring.size);
}

Result<void> FaultRecorder::attach(pid_t pid) {
  pid_ = pid;
  const long cpus = sysconf(_SC_NPROCESSORS_CONF);
  for (int cpu = 0; cpu < cpus; ++cpu)
    if (auto opened = open_ring(pid, cpu); !opened && opened.error().err != ENODEV)
      return opened.error();
  return {};
}

Result<void> FaultRecorder::open_ring(pid_t pid, int cpu) {
  Ring ring;
  for (const bool in_kernel : {true, false}) {
    perf_event_attr event = description(in_kernel);
    ring.event.reset(
        static_cast<int>(syscall(SYS_perf_event_open, &event, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
    if (ring.event.valid() || errno != EACCES) break;
  }
  if (!ring.event.valid()) return errno_error("cannot record page faults");
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (const size_t pages : kPages) {
    ring.size = (1 + pages) * page;
    ring.start = mmap(nullptr, ring.size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.event.get(), 0);
    if (ring.start == MAP_FAILED) continue;
    rings_.push_back(std::move(ring));
    return {};
  }
  return errno_error("cannot map the ring for recorded page faults");
}

void FaultRecorder::read(const Ring& ring, std::vector<Fault>& faults) const {
  const auto* control = static_cast<const perf_event_mmap_page*>(ring.start);
  const Data data(static_cast<const char*>(ring.start) + control->data_offset, control->data_size);
  const uint64_t head = __atomic_load_n(&control->data_head, __ATOMIC_ACQUIRE);
  Sample sample = {};
  for (uint64_t at = 0; at < head; at += sample.header.size) {
    data.copy(at, &sample.header, sizeof(sample.header));
    if (sample.header.size == 0) return;
    if (sample.header.type != PERF_RECORD_SAMPLE || sample.header.size != sizeof(sample)) continue;
    data.copy(at, &sample, sizeof(sample));
    // The app's children have their own memory.
    if (sample.pid == static_cast<uint32_t>(pid_)) faults.push_back({sample.time, sample.address});
  }
}

std::vector<uint64_t> FaultRecorder::faults() const {
  std::vector<Fault> all;
  for (const Ring& ring : rings_) read(ring, all);
  std::stable_sort(all.begin(), all.end(),
                   [](const Fault& a, const Fault& b) { return a.time < b.time; });
  std::vector<uint64_t> addresses;
  addresses.reserve(all.size());
  for (const Fault& fault : all) addresses.push_back(fault.address);
  return addresses;
}

}  // namespace thaw::training
