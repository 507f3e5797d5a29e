// The image that is launched.
#pragma once

#include "image/view.h"
#include "launch/open/descriptor_room.h"
#include "support/result.h"

namespace thaw::launch {

/// Opens the image at `path`, if it is valid. `read_ahead` as View::open() has it.
Result<image::View> open_image(const char* path, bool read_ahead);

/// Moves the image's descriptor out of the way of the app's.
Result<void> move_image(image::View& view, const DescriptorRoom& room);

}  // namespace thaw::launch
