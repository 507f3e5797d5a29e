// Finds the pages of a process that must be stored.
#pragma once

#include <functional>
#include <vector>

#include "checkpoint/capture.h"
#include "proc/page_map.h"

namespace thaw::checkpoint {

class PageFinder {
 public:
  static Result<PageFinder> open(const ProcessCapture& process, size_t page_size);

  /// Pages of anonymous memory that exist and are not all zero; guard regions (MADV_GUARD_INSTALL).
  Result<void> present_pages(const Vma& vma, std::vector<Span>& runs, std::vector<Span>& guards);
  /// Guard regions of any mapping: they hide what lies beneath, which nobody can read there.
  Result<std::vector<Span>> guards(const Vma& vma);
  /// Pages of a private file mapping that the app changed and that differ from the file.
  Result<void> changed_pages(const Vma& vma, int file, std::vector<Span>& runs);
  /// Pages of a private mapping that the app has written to, so that they are its own from then on.
  Result<void> own_pages(const Vma& vma, std::vector<Span>& runs);
  /// Pages of any mapping that are not all zero, present or not.
  void nonzero_pages(const Vma& vma, std::vector<Span>& runs);

 private:
  PageFinder(const ProcessCapture& process, size_t page_size, proc::PageMap page_map);
  /// Calls `use(entry, address)` for each page, a part of the page map at a time.
  Result<void> each_entry(const Vma& vma, const std::function<void(uint64_t, uint64_t)>& use);
  void add_nonzero(uint64_t address, size_t size, std::vector<Span>& runs);

  const ProcessCapture& process_;
  size_t page_;
  proc::PageMap page_map_;
  std::vector<char> buffer_;
};

}  // namespace thaw::checkpoint
