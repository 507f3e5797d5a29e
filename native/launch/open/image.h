// The image that is launched.
#pragma once

#include "image/view.h"
#include "launch/exec_call.h"
#include "launch/open/descriptor_room.h"
#include "support/result.h"

namespace thaw::launch {

/// The image of the call, or of the profile's images that lie beside it in the store one that is
/// drawn for this launch. `filtered`: as of View::open.
Result<image::View> open_image(const ExecCall& call, bool filtered);

/// Moves the image's descriptor out of the way of the app's.
Result<void> move_image(image::View& view, const DescriptorRoom& room);

}  // namespace thaw::launch
