// Bytes that differ in the image from those in the app: the answer to the app's own call, libc's
// entry points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "checkpoint/span.h"

namespace thaw::checkpoint {

/// Patches of one address space, or of one file (addresses are offsets then). They must not
/// overlap.
class Overlay {
 public:
  void add(uint64_t address, std::vector<uint8_t> bytes) { patches_[address] = std::move(bytes); }
  /// Applies what falls into [address, address + size).
  void apply(uint64_t address, void* bytes, size_t size) const;
  /// Pages of `within` that have changed bytes, ascending. They are stored, as if the app had
  /// changed them.
  [[nodiscard]] std::vector<Span> pages(const Span& within, size_t page_size) const;
  /// What is changed, ascending.
  [[nodiscard]] std::vector<Span> places() const;

 private:
  std::map<uint64_t, std::vector<uint8_t>> patches_;
};

}  // namespace thaw::checkpoint
