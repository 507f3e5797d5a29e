// What may be reached within a program's code by something else than the instruction before it.
#pragma once

#include <utility>
#include <vector>

#include "arch/aarch64/code/instruction.h"
#include "arch/call_sites.h"

namespace thaw::arch {

class Labels {
 public:
  explicit Labels(const Code& code);

  /// Of a word of the code.
  [[nodiscard]] Instruction at(uint64_t address) const;
  /// A constant that some load reads.
  [[nodiscard]] bool is_literal(uint64_t address) const { return literal_[index(address)]; }
  /// Whether it may be reached from places that nobody can list: by calls and by pointers.
  [[nodiscard]] bool is_entry(uint64_t address) const { return entry_[index(address)]; }
  /// Whether anything but the instruction before may lead there.
  [[nodiscard]] bool is_label(uint64_t address) const {
    return is_entry(address) || !jumps_to(address).empty();
  }
  /// From where jumps lead to `address`.
  [[nodiscard]] std::vector<uint64_t> jumps_to(uint64_t address) const {
    return jumps_.to(address);
  }

 private:
  [[nodiscard]] size_t index(uint64_t address) const { return (address - code_.start) / 4; }
  void mark(std::vector<bool>& words, uint64_t address) const {
    if (code_.holds(address) && address % sizeof(uint32_t) == 0) words[index(address)] = true;
  }
  void note_function(const AddressRange& range);
  void note(const AddressRange& range);

  const Code& code_;
  std::vector<bool> entry_, literal_;  ///< by word
  Jumps jumps_;
};

}  // namespace thaw::arch
