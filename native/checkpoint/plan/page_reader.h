// Finds the pages of the app that must be stored, and stores them.
#pragma once

#include <vector>

#include "checkpoint/plan/memory_plan.h"

namespace thaw::checkpoint {

class PageReader {
 public:
  explicit PageReader(const Capture& capture);

  /// Pages of anonymous memory that exist and are not all zero; guard regions (MADV_GUARD_INSTALL).
  Result<void> present_pages(const Vma& vma, std::vector<Span>& runs, std::vector<Span>& guards);
  /// Pages of a private file mapping that the app changed and that differ from the file.
  Result<void> changed_pages(const Vma& vma, int file, std::vector<Span>& runs);
  /// Pages of any mapping that are not all zero, present or not.
  Result<void> nonzero_pages(const Vma& vma, std::vector<Span>& runs);
  /// Writes the pages of `span` to the image at `offset`, with the overlay applied.
  Result<void> store(const Span& span, uint64_t offset, const Overlay& overlay);

 private:
  Result<void> for_each_chunk(
      const Span& span, bool holes_allowed,
      const std::function<Result<void>(uint64_t address, const char* bytes, size_t size)>& use);
  Result<std::vector<uint64_t>> page_map(const Span& span);

  const Capture& capture_;
  size_t page_;
  UniqueFd pagemap_;
  std::vector<char> buffer_;
};

}  // namespace thaw::checkpoint
