// What the kernel tells of each page of a process (Documentation/admin-guide/mm/pagemap.rst).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::proc {

/// Bits of an entry.
constexpr uint64_t kPagePresent = uint64_t{1} << 63;
constexpr uint64_t kPageSwapped = uint64_t{1} << 62;
constexpr uint64_t kPageOfFile = uint64_t{1} << 61;  ///< file page or shared anonymous
constexpr uint64_t kPageGuard = uint64_t{1} << 58;   ///< since 6.15

class PageMap {
 public:
  static Result<PageMap> open(pid_t pid, size_t page_size);

  /// One entry per page of [start, end).
  [[nodiscard]] Result<std::vector<uint64_t>> entries(uint64_t start, uint64_t end) const;

 private:
  PageMap(UniqueFd fd, size_t page_size) : fd_(std::move(fd)), page_size_(page_size) {}
  UniqueFd fd_;
  size_t page_size_;
};

}  // namespace thaw::proc
