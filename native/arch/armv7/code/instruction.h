// What an instruction of ARM or Thumb code does, as far as call sites need it (Arm Architecture
// Reference Manual, ARMv7-A and ARMv7-R edition, A5 and A6: the encodings by classes). What is not
// known to be harmless counts as the worst.
#pragma once

#include <cstdint>
#include <optional>

namespace thaw::arch {

/// The register of a call's number (EABI).
constexpr uint32_t kCallNumber = 7;
constexpr uint32_t kStackPointer = 13, kLink = 14, kProgramCounter = 15;

struct Instruction {
  /// What it puts into a register, where that may become an address.
  struct Put {
    enum class What : uint8_t {
      number,   ///< `value`
      top,      ///< the upper half is `value`'s
      literal,  ///< what stands at the address `value`
      address,  ///< what it held or `from` holds, and `value`
    };
    What what = What::number;
    uint32_t reg = 0, from = 0;
    uint32_t value = 0;
  };

  uint64_t address = 0;
  uint32_t size = 0;
  bool thumb = false;
  /// It is executed under a condition, as one of an IT block may be.
  bool conditional = false;

  bool is_call = false;  ///< `svc`, which many a constant looks like
  bool is_usual =
      false;  ///< with the number 0, as all code of EABI has it, and without a condition
  bool is_movable = false;  ///< it means the same wherever it stands
  bool ends_flow = false;   ///< what follows in memory is not what is executed next
  bool is_linking = false;  ///< it calls a function
  bool is_switch = false;   ///< it jumps to where no instruction tells
  uint32_t table_unit =
      0;  ///< by distances, of so many bytes each, which stand behind it; 0: not so
  bool leaves_number = false;       ///< it surely leaves the register of the number alone
  uint32_t it_block = 0;            ///< how many instructions behind it are conditional
  std::optional<uint64_t> target;   ///< where a branch leads
  std::optional<uint64_t> literal;  ///< what it reads from among the code
  uint32_t literal_size = 4;        ///< bytes
  std::optional<uint32_t> number;   ///< what it puts into the register of the number
  std::optional<Put> put;

  [[nodiscard]] uint64_t end() const { return address + size; }
  /// It sets the program counter: a return or a switch.
  void leave(bool returns) {
    is_switch = !returns;
    ends_flow = !conditional;
  }
};

Instruction decode_arm(uint64_t address, uint32_t word);

/// Of 16 or 32 bits: `second` is what follows the first 16. `conditional`: within an IT block.
Instruction decode_thumb(uint64_t address, uint32_t first, uint32_t second, bool conditional);

/// The bits of `word` from `from` on.
constexpr uint32_t bits(uint32_t word, unsigned from, unsigned count) {
  return word >> from & ((1u << count) - 1);
}

constexpr bool is_bit(uint32_t word, unsigned bit) {
  return (word >> bit & 1) != 0;
}

/// The lowest `count` bits of `word`, with a sign.
constexpr int64_t with_sign(uint32_t word, unsigned count) {
  return static_cast<int32_t>(word << (32 - count)) >> (32 - count);
}

}  // namespace thaw::arch
