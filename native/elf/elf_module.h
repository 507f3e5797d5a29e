// A program or library as it stands in some process's memory: its dynamic symbols (elf(5), gABI
// "Dynamic Section"). Everything is read through a function and bounded: the memory may hold
// anything.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace thaw::elf {

using ReadMemory = std::function<Result<void>(uint64_t address, void* out, size_t size)>;

struct Symbol {
  std::string name;
  uint64_t address = 0;  ///< in memory; on ARM bit 0 tells Thumb code
  uint64_t size = 0;
};

class Module {
 public:
  /// Reads the module whose ELF header is at `start`. An error if there is none, or none with
  /// dynamic symbols.
  static Result<Module> read(uint64_t start, const ReadMemory& read);

  /// A function that the module exports, or null.
  [[nodiscard]] const Symbol* find(std::string_view name) const;
  [[nodiscard]] const std::vector<Symbol>& symbols() const { return symbols_; }
  /// A variable that the module defines, or null.
  [[nodiscard]] const Symbol* find_variable(std::string_view name) const;

  /// True if the module has a note of the Go linker.
  [[nodiscard]] bool is_go() const { return is_go_; }

 private:
  std::vector<Symbol> symbols_, variables_;
  bool is_go_ = false;
};

}  // namespace thaw::elf
