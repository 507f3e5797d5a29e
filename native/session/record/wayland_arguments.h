// A message's arguments as its signature has them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "session/record/wayland_tables.h"

namespace thaw::session::wayland {

struct Arguments {
  struct One {
    char letter = 0;  ///< of Signature::arguments
    size_t at = 0;    ///< of its word
    uint32_t word = 0;
    std::string_view text;
  };
  std::vector<One> all;
  std::string mask;  ///< 0 for each byte that is of its moment: serials and times
};

/// False: the bytes have not that signature.
bool read_arguments(std::string_view bytes, const Signature& signature, Arguments& out);

}  // namespace thaw::session::wayland
