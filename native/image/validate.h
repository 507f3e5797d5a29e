// Checks the records of an image: every blob, index, range, address and offset, before anyone uses
// them. A checksum says that bytes are as written; this says that they can be trusted to be used.
#pragma once

#include "image/view.h"

namespace thaw::image {

/// What is wrong with the image's records, or null.
const char* validate(const View& view);

}  // namespace thaw::image
