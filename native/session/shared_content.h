// What a server hands over by a descriptor, compared by its content: a keyboard's keymap.
#pragma once

#include <cstdint>

namespace thaw::session {

constexpr uint32_t kMostShared = 4 << 20;  ///< bytes; a keymap has some 64 KB

/// The hash of the first `size` bytes, never 0. 0: it has not so many, or cannot be read.
uint64_t shared_content(int fd, uint32_t size);

}  // namespace thaw::session
