// Writing: the planned page data, then the records. Only here is the image touched.
#pragma once

#include "checkpoint/capture.h"
#include "checkpoint/plan/page_data.h"

namespace thaw::checkpoint {

/// Writes the image at Request::image, which appears there only when it is whole; its size in
/// bytes, holes included.
Result<uint64_t> write(const Capture& capture, const PageData& data);

}  // namespace thaw::checkpoint
