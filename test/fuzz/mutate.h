// Images that are wrong in one or a few places: header, tables, counts, offsets, length. Generic
// over the sections: a new one is mutated as soon as it stands in THAW_SECTIONS.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "image/format.h"

namespace thaw::fuzz {

using Random = std::mt19937_64;
using Bytes = std::vector<uint8_t>;

/// An image without its page data, which readers do not look at.
struct Skeleton {
  image::Header header;
  Bytes metadata;
};

/// Changes one to four things. What follows from a change (checksum, sizes) is not put right.
void mutate(Skeleton& skeleton, Random& random);

/// Makes the checksum that of the bytes, as one who wants to deceive would.
void correct_hash(Skeleton& skeleton);

}  // namespace thaw::fuzz
