// The order of the page data of an image: what each launch copies, then the working set in the order
// of its use, so that a launch from storage reads one section in one sweep, and what compresses the
// file finds nothing else in it. The rest follows by address.
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
/// they are fewer bytes than `least`, the image keeps its order, and no launch may have it open. It
/// keeps its id, owner and mode; where this fails, it is what it was.
/// @returns false where there is no room for a second one, so that it has kept its order
Result<bool> put_working_set_first(const std::string& path, std::span<const model::FeedRun> runs,
                                   uint64_t least = kWorthMoving);

}  // namespace thaw::image
