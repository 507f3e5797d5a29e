// Names of CPU features that are bits of a word, as HWCAP's are.
#pragma once

#include <cstdint>
#include <string>

namespace thaw::arch {

inline void append_name(std::string& names, const std::string& name) {
  names += (names.empty() ? "" : ", ") + name;
}

/// Adds the name of every bit in `missing`; one that is not `known` is named by `word` and its
/// number.
inline void append_bits(std::string& names, uint64_t missing, const char* const (&known)[64],
                        const char* word) {
  for (int bit = 0; bit < 64; ++bit)
    if ((missing >> bit & 1) != 0)
      append_name(names, known[bit] != nullptr ? std::string(known[bit])
                                               : word + (" bit " + std::to_string(bit)));
}

}  // namespace thaw::arch
