#include "image/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace thaw::image {

uint64_t hash(const void* bytes, size_t size) {
  return XXH3_64bits(bytes, size);
}

uint64_t metadata_hash(const Header& header, const void* metadata) {
  Header blank = header;
  blank.metadata_hash = 0;
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, &blank, sizeof(blank));
  XXH3_64bits_update(&state, metadata, header.tail_offset);
  return XXH3_64bits_digest(&state);
}

uint64_t tail_hash(const Header& header, const void* metadata) {
  return hash(static_cast<const char*>(metadata) + header.tail_offset,
              header.metadata_size - header.tail_offset);
}

bool all_zero(const void* bytes, size_t size) {
  const auto* words = static_cast<const uint64_t*>(bytes);
  for (size_t i = 0; i < size / 8; ++i)
    if (words[i] != 0) return false;
  return true;
}

}  // namespace thaw::image
