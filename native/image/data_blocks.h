// Checksums of the page data by blocks, so that damage can be named.
#pragma once

#include <cstddef>
#include <vector>

#include "image/model.h"

namespace thaw::image {

/// Takes the pages of an image in file order. The hash of a block is XXH3-64 of each of its pages
/// that is not all zero: its offset and bytes. Holes and zero pages are the same, so a copy that
/// fills holes still verifies.
class DataBlocks {
 public:
  DataBlocks();
  ~DataBlocks();
  DataBlocks(const DataBlocks&) = delete;
  DataBlocks& operator=(const DataBlocks&) = delete;
  void add(uint64_t offset, const void* page, size_t page_size);
  /// The blocks of all pages that were added.
  std::vector<model::DataBlock> take();

 private:
  void end_block();

  void* state_;
  uint64_t block_ = 0;
  bool empty_ = true;  ///< nothing but zeros so far
  std::vector<model::DataBlock> blocks_;
};

}  // namespace thaw::image
