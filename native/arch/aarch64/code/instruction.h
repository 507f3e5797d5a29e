// What a word of code does, as far as call sites need it (Arm Architecture Reference Manual, C4.1: the
// encoding by classes).
#pragma once

#include <cstdint>
#include <optional>

namespace thaw::arch {

struct Instruction {
  uint64_t address = 0;
  uint32_t word = 0;

  /// `svc`, with whatever number.
  [[nodiscard]] bool is_call() const { return (word & 0xffe0001f) == 0xd4000001; }
  /// Branches, exceptions, and what has to do with the system.
  [[nodiscard]] bool is_branch_or_system() const { return bits(26, 3) == 5; }
  /// `bl`
  [[nodiscard]] bool is_linking() const { return (word & 0xfc000000) == 0x94000000; }
  /// Branches that may go on to the next instruction, with all registers as they were.
  [[nodiscard]] bool is_conditional_branch() const {
    return (word & 0xff000000) == 0x54000000 || (word & 0x7c000000) == 0x34000000;
  }
  /// `br`, with signed addresses, too: where it leads, no instruction tells.
  [[nodiscard]] bool is_indirect_jump() const {
    return (word & 0xfffffc1f) == 0xd61f0000 || (word & 0xfefff800) == 0xd61f0800;
  }
  /// It means the same wherever it stands.
  [[nodiscard]] bool is_movable() const {
    return !is_branch_or_system() && !is_address() && !literal() && word != 0;
  }

  /// Where a branch leads.
  [[nodiscard]] std::optional<uint64_t> target() const;
  /// What a load reads from among the code.
  [[nodiscard]] std::optional<uint64_t> literal() const;
  /// `adr`, `adrp`.
  [[nodiscard]] bool is_address() const { return bits(24, 5) == 16; }
  /// What these put into register d().
  [[nodiscard]] uint64_t named() const;
  /// What `add Xd, Xn, #number` adds.
  [[nodiscard]] std::optional<uint64_t> added() const;

  /// What `mov Xd, #number` of a small one puts into register d().
  [[nodiscard]] std::optional<uint64_t> constant() const;
  /// What follows in memory is not what is executed next.
  [[nodiscard]] bool ends_flow() const;
  /// Whether it surely leaves a register alone when the next instruction follows.
  [[nodiscard]] bool leaves_alone(uint32_t reg) const;

  [[nodiscard]] uint32_t d() const { return bits(0, 5); }
  [[nodiscard]] uint32_t n() const { return bits(5, 5); }

 private:
  [[nodiscard]] uint32_t bits(unsigned from, unsigned count) const {
    return word >> from & ((1u << count) - 1);
  }
  /// So many bits from there on, with a sign, times `unit`.
  [[nodiscard]] uint64_t distance(unsigned from, unsigned count, int64_t unit) const {
    const auto up = static_cast<int32_t>(word << (32 - from - count));
    return static_cast<uint64_t>(int64_t{up >> (32 - count)} * unit);
  }
};

}  // namespace thaw::arch
