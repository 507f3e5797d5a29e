// Plans the hazard guard of one app: which libc functions are redirected to the shim, and the
// shim's tables. Why: anonymous memory that is mapped from the image must still behave as
// anonymous memory (docs/hazards.md, idea 3 of docs/ideas.md).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "elf/elf_module.h"
#include "proc/vma.h"
#include "shim/call_sites.h"
#include "shim/tables.h"
#include "support/file.h"
#include "support/result.h"

namespace thaw::shim {

/// libc as it stands in the app: what is redirected, and where it keeps errno.
struct Libc {
  /// In the order of the table in shim_plan.cc; address 0 where an optional one is missing.
  std::vector<elf::Symbol> functions;
  uint64_t errno_location = 0;
  bool of_segments = false;  ///< those for System V segments are redirected, too

  /// The code that redirecting changes, one range per function.
  [[nodiscard]] std::vector<AddressRange> changed_code() const;
};

/// The libc through which the app makes its memory calls, if its functions can be redirected.
/// Otherwise the app's memory must come back as true anonymous memory. `segments`: those for System V
/// segments as well, where they can be.
std::optional<Libc> find_libc(std::span<const proc::Vma> vmas, const elf::ReadMemory& read,
                              bool segments);

/// Memory that is mapped from the image and must behave as anonymous.
struct GuardedRange {
  uint64_t start = 0, end = 0;
  uint32_t prot = 0;
  bool dont_fork = false, dont_dump = false;  ///< MADV_DONTFORK, MADV_DONTDUMP
};

struct Input {
  /// Where the shim's code will stand; its data follows at the next page.
  uint64_t code_address = 0;
  size_t page_size = 4096;
  /// For tests: dontneed, free, wipeonfork, mremap, munmap, mprotect, syscall.
  std::vector<std::string> guards_off;
  const Libc* libc = nullptr;           ///< null: none is redirected
  const CallSites* sites = nullptr;     ///< null: none are; else the code is within their reach
  std::vector<GuardedRange> ranges;     ///< ascending
  uint64_t call_address = 0;            ///< of the app's struct thaw_call, 0: none
  std::vector<uint64_t> fork_handlers;  ///< to be called in each launch
  std::vector<int> segments;            ///< ids of System V segments that have a key
  std::vector<KnownIpc> known_ipc;      ///< at most kMostKnownIpc
};

/// Bytes to be changed in the image.
struct Patch {
  uint64_t address = 0;
  std::vector<uint8_t> bytes;
};

struct ShimPlan {
  std::vector<uint8_t> code;  ///< whole pages, to be mapped executable
  std::vector<uint8_t> data;  ///< to be mapped writable behind the code
  std::vector<Patch> patches;
  /// Stubs, in code (arch/<cpu>/park.S).
  uint64_t park_offset = 0, finish_offset = 0, leave_offset = 0;
  uint64_t start_cold_offset = 0, signal_return_offset = 0;  ///< in code (blob/cold.cc)
  uint64_t park_word_offset = 0;                             ///< in data: two 32-bit words
  uint64_t segment_ids_offset = 0;                           ///< in data: SegmentId[]
};

ShimPlan plan(const Input& input);

}  // namespace thaw::shim
