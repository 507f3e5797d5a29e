#include "checkpoint/overlay.h"

#include <algorithm>
#include <cstring>

namespace thaw::checkpoint {

void Overlay::apply(uint64_t address, void* bytes, size_t size) const {
  for (const auto& [at, patch] : patches_) {
    const uint64_t start = std::max(at, address), end = std::min(at + patch.size(), address + size);
    if (start >= end) continue;
    memcpy(static_cast<char*>(bytes) + (start - address), patch.data() + (start - at), end - start);
  }
}

std::vector<Span> Overlay::pages(const Span& within, size_t page_size) const {
  std::vector<Span> pages;
  for (const Span& place : places()) {
    const Span touched = {place.start / page_size * page_size, round_up(place.end, page_size)};
    const Span part = {std::max(touched.start, within.start), std::min(touched.end, within.end)};
    if (part.start < part.end) unite(pages, {part});
  }
  return pages;
}

std::vector<Span> Overlay::places() const {
  std::vector<Span> places;
  for (const auto& [at, patch] : patches_) places.push_back({at, at + patch.size()});
  return places;
}

}  // namespace thaw::checkpoint
