// The hashes of an image, from the xxHash library.
#pragma once

#include <cstdint>
#include <span>

#include "image/format.h"

namespace thaw::image {

/// XXH3-64 of `size` bytes.
uint64_t hash(const void* bytes, size_t size);

/// Header::metadata_hash of a header and its metadata.
uint64_t metadata_hash(const Header& header, const void* metadata);

/// Header::tail_hash of a header and its metadata.
uint64_t tail_hash(const Header& header, const void* metadata);

/// True if all `size` bytes (a multiple of 8) are zero.
bool all_zero(const void* bytes, size_t size);

}  // namespace thaw::image
