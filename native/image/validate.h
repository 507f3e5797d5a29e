// Checks the records of an image: every blob, index, range, address and offset, before anyone uses
// them. A checksum says that bytes are as written; this says that they can be trusted to be used.
#pragma once

#include <linux/membarrier.h>

#include "image/view.h"

namespace thaw::image {

/// The kinds of membarrier(2) that a launch can register for.
constexpr uint32_t kMembarrierRegistrations = MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
                                              MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                                              MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
                                              MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;

/// What is wrong with the image's records, but for those of the tail, or null.
const char* validate(const View& view);

/// What is wrong with the records of the tail, or null.
const char* validate_tail(const View& view);

}  // namespace thaw::image
