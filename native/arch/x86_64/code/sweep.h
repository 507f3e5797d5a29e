// Where the instructions of a program's code are, and from where each can be reached.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "arch/call_sites.h"
#include "arch/x86_64/code/zydis.h"

namespace thaw::arch {

/// An instruction with its operands.
struct Instruction {
  uint64_t address = 0;
  ZydisDecodedInstruction decoded;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

  [[nodiscard]] uint64_t end() const { return address + decoded.length; }
  [[nodiscard]] bool is_call() const { return decoded.meta.category == ZYDIS_CATEGORY_CALL; }
  /// What follows in memory is not what is executed next.
  [[nodiscard]] bool ends_flow() const;
  /// It means the same wherever it stands.
  [[nodiscard]] bool is_movable() const;
};

/// Decodes from one known function to the next, so that data between functions cannot mislead it.
class Sweep {
 public:
  /// Zydis is there.
  explicit Sweep(const Code& code);

  /// An error where what is known to be code is none.
  Result<void> run();

  [[nodiscard]] const Code& code() const { return code_; }
  [[nodiscard]] std::optional<Instruction> decode(uint64_t address) const;
  [[nodiscard]] bool begins_instruction(uint64_t address) const {
    return code_.holds(address) && boundary_[address - code_.start];
  }
  /// Whether anything but the instruction before may lead there, as far as that can be told.
  [[nodiscard]] bool is_label(uint64_t address) const {
    return entry_[address - code_.start] || target_[address - code_.start];
  }
  /// Whether it may be reached from places that nobody can list: by calls and by pointers.
  [[nodiscard]] bool is_entry(uint64_t address) const { return entry_[address - code_.start]; }
  /// The instruction that stands before the one at `address`; 0: none.
  [[nodiscard]] uint64_t before(uint64_t address) const;
  /// From where jumps lead to `address`.
  [[nodiscard]] std::vector<uint64_t> jumps_to(uint64_t address) const {
    return jumps_.to(address);
  }

 private:
  Result<void> sweep_function(const AddressRange& function);
  void sweep_gap(const AddressRange& gap);
  /// Answers where what it reads is no instruction; the range's end: all of it is.
  uint64_t sweep(const AddressRange& range);
  void note(uint64_t address, const ZydisDecodedInstruction& instruction);
  void note_table(uint64_t address);
  void mark_entry(uint64_t address) {
    if (code_.holds(address)) entry_[address - code_.start] = true;
  }

  const Code& code_;
  const Zydis& zydis_ = Zydis::functions();
  ZydisDecoder decoder_ = {};
  std::vector<bool> boundary_, target_, entry_;
  Jumps jumps_;
};

}  // namespace thaw::arch
