// Where the instructions of a program's code are, and from where each can be reached.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "arch/armv7/code/instruction.h"
#include "arch/call_sites.h"

namespace thaw::arch {

/// Decodes what the program's marks call code, or all sections of a program of Go, which are ARM code.
class Sweep {
 public:
  explicit Sweep(const Code& code);

  [[nodiscard]] const Code& code() const { return code_; }
  /// The one that begins there.
  [[nodiscard]] std::optional<Instruction> at(uint64_t address) const;
  /// The one that ends there.
  [[nodiscard]] std::optional<Instruction> before(uint64_t address) const;
  /// A constant that some load reads.
  [[nodiscard]] bool is_literal(uint64_t address) const { return is(literal_, address); }
  /// Whether it may be reached from places that nobody can list: by calls and by pointers.
  [[nodiscard]] bool is_entry(uint64_t address) const { return is(entry_, address); }
  /// Whether anything but the instruction before may lead there.
  [[nodiscard]] bool is_label(uint64_t address) const {
    return is_entry(address) || !jumps_to(address).empty();
  }
  /// From where jumps lead to `address`.
  [[nodiscard]] std::vector<uint64_t> jumps_to(uint64_t address) const {
    return jumps_.to(address);
  }

 private:
  /// By halfword.
  using Marks = std::vector<bool>;
  /// What is known of the registers: the instructions before have put constants there.
  using Constants = std::array<std::optional<uint32_t>, 16>;

  [[nodiscard]] size_t index(uint64_t address) const { return (address - code_.start) / 2; }
  [[nodiscard]] bool is(const Marks& marks, uint64_t address) const {
    return code_.holds(address) && marks[index(address)];
  }
  void mark(Marks& marks, uint64_t address) const {
    if (code_.holds(address)) marks[index(address)] = true;
  }
  [[nodiscard]] uint32_t load(uint64_t address, size_t size) const;
  [[nodiscard]] Instruction decode(uint64_t address, bool thumb, bool conditional) const;
  void sweep(const AddressRange& range, bool thumb);
  void note(const Instruction& instruction);
  bool note_table(const Instruction& instruction);
  void note_put(const Instruction::Put& put, Constants& constants);
  void note_pointers();
  void note_switches();

  const Code& code_;
  Marks begins_, thumb_, conditional_, literal_, entry_, switch_;
  std::vector<uint64_t> pointers_;  ///< that instructions make
  Jumps jumps_;
};

}  // namespace thaw::arch
