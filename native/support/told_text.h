// Text that a server tells the launched app anew, and that the app keeps in its memory.
#pragma once

#include <stdint.h>

namespace thaw {

/// `size` bytes, the NUL at the end among them, for `address` in the app's memory.
struct ToldText {
  static constexpr uint32_t kMost = 40;
  uint64_t address;
  uint32_t size;
  char bytes[kMost];
};

}  // namespace thaw
