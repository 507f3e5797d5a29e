// What all that reads an image goes through, for the sanitizers.
#pragma once

#include <span>

#include "image/view.h"

namespace thaw::image {

/// Touches every byte of every table and blob that the view gives out.
inline unsigned long sum_of(const View& view) {
  unsigned long sum = 0;
#define X(name, type)                                                                          \
  for (const char& byte :                                                                      \
       std::span(reinterpret_cast<const char*>(view.name().data()), view.name().size_bytes())) \
    sum += static_cast<unsigned char>(byte);
  THAW_SECTIONS(X)
#undef X
  return sum;
}

}  // namespace thaw::image
