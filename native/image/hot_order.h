// The order of the page data of an image: the working set first, in the order of its use, so that a
// launch from storage reads one section in one sweep, and what compresses the file finds nothing
// else in it.
#pragma once

#include <span>
#include <string>

#include "image/model.h"
#include "support/result.h"

namespace thaw::image {

/// Below so many bytes, launches from storage gain less than the mappings cost all others.
constexpr uint64_t kWorthMoving = 2 << 20;

/// Writes the image at `path`, which is not installed yet, anew: with this working set, whose pages
/// stand first. The ops that map them are split for that: a launch makes some more mappings. Where
/// they are fewer bytes than `least`, the image keeps its order. No launch may have it open.
Result<void> put_working_set_first(const std::string& path, std::span<const model::FeedRun> runs,
                                   uint64_t least = kWorthMoving);

}  // namespace thaw::image
