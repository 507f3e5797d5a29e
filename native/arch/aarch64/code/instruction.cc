#include "arch/aarch64/code/instruction.h"

namespace thaw::arch {

std::optional<uint64_t> Instruction::target() const {
  if ((word & 0x7c000000) == 0x14000000) return address + distance(0, 26, 4);  // b, bl
  if ((word & 0xff000000) == 0x54000000) return address + distance(5, 19, 4);  // b.cond, bc.cond
  if ((word & 0x7e000000) == 0x34000000) return address + distance(5, 19, 4);  // cbz, cbnz
  if ((word & 0x7e000000) == 0x36000000) return address + distance(5, 14, 4);  // tbz, tbnz
  return {};
}

std::optional<uint64_t> Instruction::literal() const {
  if ((word & 0x3b000000) != 0x18000000) return {};
  return address + distance(5, 19, 4);
}

uint64_t Instruction::named() const {
  constexpr int64_t kPage = 4096;
  const uint64_t high = distance(5, 19, 4), low = bits(29, 2);
  if (bits(31, 1) == 0) return address + high + low;
  return (address & ~uint64_t{kPage - 1}) + (high + low) * kPage;
}

std::optional<uint64_t> Instruction::added() const {
  if ((word & 0xff800000) != 0x91000000) return {};
  return uint64_t{bits(10, 12)} << (bits(22, 1) * 12);
}

std::optional<uint64_t> Instruction::constant() const {
  constexpr uint32_t kMovz = 0x52800000, kSizeOf64 = 0x80000000;
  if ((word & ~kSizeOf64 & 0xffe00000) != kMovz) return {};
  return bits(5, 16);
}

bool Instruction::ends_flow() const {
  const bool is_jump = (word & 0xfc000000) == 0x14000000;
  const bool is_return = (word & 0xfffffc1f) == 0xd65f0000 || (word & 0xfffffbff) == 0xd65f0bff;
  const bool is_break = (word & 0xffe0001f) == 0xd4200000;
  return is_jump || is_return || is_break || is_indirect_jump();
}

bool Instruction::leaves_alone(uint32_t reg) const {
  if (is_conditional_branch()) return true;
  if (is_call()) return reg != 0;
  const uint32_t kind = bits(25, 4);
  if (kind == 8 || kind == 9 || (kind & 7) == 5) return d() != reg;  // data processing
  if ((kind & 5) != 4) return false;
  // Loads and stores: up to two that are loaded, the base that is written back, a status.
  return d() != reg && n() != reg && bits(10, 5) != reg && bits(16, 5) != reg;
}

}  // namespace thaw::arch
