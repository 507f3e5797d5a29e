// The dynamic symbols of an ELF image that is mapped somewhere: in another process, or in a buffer
// that holds a vDSO.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace thaw::elf {

/// Reads `size` bytes at an address of the image's address space.
using ReadMemory = std::function<Result<void>(uint64_t address, void* out, size_t size)>;

/// A defined symbol.
struct Symbol {
  std::string name;
  uint64_t address = 0;  ///< where it stands; bit 0 tells Thumb functions on ARM
  uint64_t size = 0;
  uint8_t type = 0;  ///< STT_*
};

/// Nothing in the image is trusted: every table is read with a bound, and a value that does not fit
/// is an error. Images of this program's own class (ELFCLASS) only.
class ElfImage {
 public:
  /// `base` is where the first byte of the ELF header stands.
  static Result<ElfImage> open(uint64_t base, ReadMemory read);

  /// The defined symbols of the dynamic symbol table, through DT_HASH or DT_GNU_HASH.
  [[nodiscard]] const std::vector<Symbol>& symbols() const { return symbols_; }
  /// The symbol's default version comes first in practice; versions are not looked at.
  [[nodiscard]] std::optional<Symbol> find(std::string_view name) const;
  /// True if one of the image's notes is `owner`'s.
  [[nodiscard]] Result<bool> has_note_of(std::string_view owner) const;

 private:
  struct Segment {
    uint64_t address = 0, size = 0;
    uint32_t type = 0;
  };
  struct Dynamic {
    uint64_t hash = 0, gnu_hash = 0, symbols = 0, strings = 0, strings_size = 0;
  };

  Result<void> read_segments(uint64_t base);
  Result<Dynamic> read_dynamic() const;
  [[nodiscard]] uint64_t absolute(uint64_t value) const;
  Result<size_t> count_symbols(const Dynamic&) const;
  Result<size_t> count_through_gnu_hash(uint64_t table) const;
  Result<void> read_symbols();

  template <typename T>
  Result<std::vector<T>> read_array(uint64_t address, size_t count) const;

  ReadMemory read_;
  uint64_t bias_ = 0;             ///< what is added to the file's addresses
  uint64_t start_ = 0, end_ = 0;  ///< of the loaded segments
  std::vector<Segment> segments_;
  std::vector<Symbol> symbols_;
};

}  // namespace thaw::elf
