// The image that is launched.
#pragma once

#include "image/view.h"
#include "launch/open/descriptor_room.h"
#include "support/result.h"

namespace thaw::launch {

/// Opens the image at `path`: it is valid, and nobody could have written it but root and the
/// caller.
Result<image::View> open_image(const char* path);

/// Moves the image's descriptor out of the way of the app's.
Result<void> move_image(image::View& view, const DescriptorRoom& room);

}  // namespace thaw::launch
