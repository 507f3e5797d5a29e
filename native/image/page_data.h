// The page data of an image: what of a launch's work brings it in, and reading it.
#pragma once

#include "image/model.h"
#include "support/result.h"

namespace thaw::image {

/// Whether the op reads or maps page data of the image itself.
inline bool is_stored(const model::Op& op) {
  return op.kind == model::OpKind::read || (op.kind == model::OpKind::map && op.source == 0);
}

/// All `size` bytes at `offset`. Storage that fails gives what lies in front of the bytes that it cannot
/// read: the error names these.
Result<void> read_page_data(int fd, char* buffer, size_t size, uint64_t offset);

}  // namespace thaw::image
