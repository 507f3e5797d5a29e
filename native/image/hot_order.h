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

/// What became of the order of an image's page data.
enum class PageOrder {
  kept,    ///< the working set is so small that it would gain little
  first,   ///< the image has been written anew, with the working set first
  no_room  ///< for a second one
};

/// Writes the image at `path`, which is not installed yet, anew: with this working set, whose pages
/// stand first. The ops that map them are split for that: a launch makes some more mappings. Where
/// they are fewer bytes than `least`, the image keeps its order, and no launch may have it open. It
/// keeps its id, owner and mode; where this fails, it is what it was.
Result<PageOrder> put_working_set_first(const std::string& path,
                                        std::span<const model::FeedRun> runs,
                                        uint64_t least = kWorthMoving);

}  // namespace thaw::image
