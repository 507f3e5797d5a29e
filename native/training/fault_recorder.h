// The page faults of an app, each with its place in time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::training {

/// Records every page fault of one process, both in its own code and in the kernel's on its behalf.
/// The source is the kernel's software event PERF_COUNT_SW_PAGE_FAULTS with a period of 1
/// (perf_event_open(2)). The process is not slowed and notices nothing.
class FaultRecorder {
 public:
  FaultRecorder() = default;
  FaultRecorder(const FaultRecorder&) = delete;
  FaultRecorder& operator=(const FaultRecorder&) = delete;
  ~FaultRecorder();

  /// Begins when process `pid`, which has one thread as yet, calls exec. An ordinary user gets the
  /// faults in the kernel only where kernel.perf_event_paranoid is 1 or lower, those in the app's
  /// code where it is 2; fails where it is higher.
  Result<void> attach(pid_t pid);

  /// The addresses that faulted since then, in order of time, each as often as it did. Empty if
  /// never attached; faults for which the rings had no room are missing.
  [[nodiscard]] std::vector<uint64_t> faults() const;

 private:
  struct Fault {
    uint64_t time, address;
  };
  /// Of one CPU: an event that is inherited by threads cannot have one ring for all of them.
  struct Ring {
    UniqueFd event;
    void* start = nullptr;
    size_t size = 0;
  };

  Result<void> open_ring(pid_t pid, int cpu);
  void read(const Ring& ring, std::vector<Fault>& faults) const;

  pid_t pid_ = 0;
  std::vector<Ring> rings_;
};

}  // namespace thaw::training
