// Ranges of an address space or of a file.
#pragma once

#include <vector>

#include "support/file.h"

namespace thaw::checkpoint {

/// [start, end).
using Span = AddressRange;

/// Appends [start, start + size), as part of the last span where it continues that.
void extend(std::vector<Span>& spans, uint64_t start, uint64_t size);

/// Adds `added`, which may overlap the others; `spans` stays ascending.
void unite(std::vector<Span>& spans, const std::vector<Span>& added);

/// Joins spans whose distance is at most `gap` bytes.
std::vector<Span> close_gaps(const std::vector<Span>& spans, uint64_t gap);

/// What of `span` none of `others` covers; these ascend and do not overlap.
std::vector<Span> without(const Span& span, const std::vector<Span>& others);

/// Sum of the sizes.
uint64_t total_size(const std::vector<Span>& spans);

inline uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace thaw::checkpoint
