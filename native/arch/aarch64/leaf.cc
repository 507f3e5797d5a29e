// Instructions that change where the thread goes on, by their bits (Arm ARM, C4.1).
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

constexpr bool is(uint32_t instruction, uint32_t mask, uint32_t bits) {
  return (instruction & mask) == bits;
}

bool is_return(uint32_t instruction) {
  return is(instruction, 0xfffffc1f, 0xd65f0000) || is(instruction, 0xfffffbff, 0xd65f0bff);
}

/// cbz and cbnz back to within the function: an exclusive store is tried again.
bool is_loop(uint32_t instruction, size_t index) {
  if (!is(instruction, 0x7e000000, 0x34000000)) return false;
  const auto words = static_cast<int32_t>(instruction << 8) >> 13;
  return words < 0 && static_cast<size_t>(-words) <= index;
}

bool goes_elsewhere(uint32_t instruction) {
  return is(instruction, 0x7c000000, 0x14000000) ||  // b, bl
         is(instruction, 0xff000000, 0x54000000) ||  // b.cond
         is(instruction, 0x7c000000, 0x34000000) ||  // cbz, cbnz, tbz, tbnz
         is(instruction, 0xfe000000, 0xd6000000) ||  // br, blr, eret
         is(instruction, 0xff000000, 0xd4000000) ||  // svc, brk
         is(instruction, 0x9e000000, 0);             // reserved
}

}  // namespace

bool is_plain_leaf(std::span<const uint8_t> code, uint64_t) {
  constexpr size_t kMost = 16;
  for (size_t i = 0; i < kMost && (i + 1) * 4 <= code.size(); ++i) {
    uint32_t instruction;
    memcpy(&instruction, code.data() + 4 * i, sizeof(instruction));
    if (is_return(instruction)) return true;
    if (goes_elsewhere(instruction) && !is_loop(instruction, i)) return false;
  }
  return false;
}

}  // namespace thaw::arch
