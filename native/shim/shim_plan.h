// Plans the hazard guard of one app: which libc functions are redirected to the shim, and the
// shim's tables. (Idea 3: anonymous memory that is mapped from the image must still behave as
// anonymous memory.)
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "proc/vma.h"
#include "support/result.h"

namespace thaw::shim {

using ReadMemory = std::function<Result<void>(uint64_t address, void* out, size_t size)>;

/// Memory that is mapped from the image and must behave as anonymous.
struct GuardedRange {
  uint64_t start = 0, end = 0;
  uint32_t prot = 0;
  bool dont_fork = false, dont_dump = false;  ///< MADV_DONTFORK, MADV_DONTDUMP
};

struct Input {
  uint64_t code_address =
      0;  ///< where the shim's code will stand; its data follows at the next page
  size_t page_size = 4096;
  std::vector<std::string>
      guards_off;  ///< for tests: dontneed, free, wipeonfork, mremap, munmap, mprotect, syscall
  std::span<const proc::Vma> vmas;
  ReadMemory read;
  std::vector<GuardedRange> ranges;  ///< ascending; empty: nothing to guard
};

/// Bytes to be changed in the image.
struct Patch {
  uint64_t address = 0;
  std::vector<uint8_t> bytes;
};

struct ShimPlan {
  bool guarded = false;
  std::vector<uint8_t> code;  ///< whole pages, to be mapped executable
  std::vector<uint8_t> data;  ///< to be mapped writable behind the code
  std::vector<Patch> patches;
  uint64_t park_offset = 0, finish_offset = 0,
           leave_offset = 0;      ///< stubs, in code (arch/<cpu>/park.S)
  uint64_t park_word_offset = 0;  ///< in data: two 32-bit words
};

/// True if the app makes its memory calls through a libc whose functions can be redirected.
/// Otherwise its memory must come back as true anonymous memory.
bool can_guard(std::span<const proc::Vma> vmas, const ReadMemory& read);

Result<ShimPlan> plan(const Input& input);

}  // namespace thaw::shim
