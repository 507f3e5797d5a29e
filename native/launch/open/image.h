// The image that is launched.
#pragma once

#include "image/view.h"
#include "launch/open/descriptor_room.h"
#include "support/result.h"

namespace thaw::launch {

/// Moves the image's descriptor out of the way of the app's.
Result<void> move_image(image::View& view, const DescriptorRoom& room);

}  // namespace thaw::launch
