// Writing: the planned page data, then the records. Only here is the image touched.
#pragma once

#include "checkpoint/capture.h"
#include "checkpoint/plan/page_data.h"
#include "checkpoint/write/host_name.h"
#include "image/writer.h"

namespace thaw::checkpoint {

/// Writes all that is the app's own into a file without a name; the app need not stand still any
/// longer. `name` is looked for in it.
Result<image::Writer> write_pages(const Capture& capture, const PageData& data, HostName& name);
/// Adds the records, and lets the image appear at Request::image when it is on the disk; its size in
/// bytes, holes included.
Result<uint64_t> finish(const Capture& capture, const PageData& data, image::Writer& writer);

}  // namespace thaw::checkpoint
