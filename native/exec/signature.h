// The device's policy on signatures (docs/signatures.md).
#pragma once

#include "image/view.h"

namespace thaw::exec {

/// Whether the image may be launched on this device. One open(2) that fails where nothing is
/// required. The whole image is read then.
Result<void> check_signature(image::View& view, const char* path);

/// Whether `signature`, what a signature file holds, is of this image and by one of the keys in
/// `policy`, in PEM.
Result<void> check_signed(const image::View& view, std::string_view policy,
                          std::string_view signature);

}  // namespace thaw::exec
