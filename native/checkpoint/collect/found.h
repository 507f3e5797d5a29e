// Every open file description of the app, and what refers to it: descriptors of its processes, and
// messages that wait in its unix sockets.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "fd/probe.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::checkpoint {

/// A descriptor number of one process.
struct Numbered {
  int number;
  bool close_on_exec;
  size_t description;  ///< index of its probe
};

/// Every open file description of the tree, and what refers to them.
struct Found {
  std::vector<fd::Probe> probes;
  std::vector<uint64_t> eventfd_ids;           ///< per probe, 0 for all else
  std::vector<size_t> sorted;                  ///< the probes by the kernel's order (kcmp(2))
  std::vector<std::vector<Numbered>> numbers;  ///< per process
  std::vector<Error> refused;
};

/// Adds the descriptors of one process.
Result<void> find_descriptors(pid_t pid, std::span<const pid_t> members, Found& found);

/// Adds what is in flight (`copy`: ours) in the queue of `carrier`, an index of found.probes. Returns
/// the index of its description.
Result<size_t> find_in_flight(UniqueFd copy, size_t carrier, Found& found);

}  // namespace thaw::checkpoint
