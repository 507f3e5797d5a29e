// Instructions that change where the thread goes on, by their bits (Arm ARM, A5 and A6).
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

enum class Step { plain, returns, unknown };

constexpr bool is(uint32_t instruction, uint32_t mask, uint32_t bits) {
  return (instruction & mask) == bits;
}

template <typename T>
T load(std::span<const uint8_t> code, size_t at) {
  T value = 0;
  if (at + sizeof(value) <= code.size()) memcpy(&value, code.data() + at, sizeof(value));
  return value;
}

/// Whether a branch by `offset` from `at`, the program counter being `ahead` of it, goes back to
/// within the function: an exclusive store is tried again.
bool is_loop(size_t at, int32_t offset, int32_t ahead) {
  const int32_t target = static_cast<int32_t>(at) + ahead + offset;
  return target >= 0 && target <= static_cast<int32_t>(at);
}

Step arm_step(uint32_t instruction, size_t at) {
  constexpr uint32_t kBarrier = 0xf57ff050;
  if (instruction == 0xe12fff1e || instruction == 0xe49df004 ||  // bx lr; ldr pc, [sp], #4
      is(instruction, 0xffff8000, 0xe8bd8000))                   // pop {..., pc}
    return Step::returns;
  if (is(instruction, 0xfffffff0, kBarrier)) return Step::plain;
  if (is(instruction, 0xf0000000, 0xf0000000)) return Step::unknown;
  if (is(instruction, 0x0f000000, 0x0a000000)) {  // b
    const int32_t offset = static_cast<int32_t>(instruction << 8) >> 6;
    const bool always = is(instruction, 0xf0000000, 0xe0000000);
    return !always && is_loop(at, offset, 8) ? Step::plain : Step::unknown;
  }
  const bool elsewhere = is(instruction, 0x0e000000, 0x0a000000) ||  // bl
                         is(instruction, 0x0fffff00, 0x012fff00) ||  // bx, blx
                         is(instruction, 0x0f000000, 0x0f000000) ||  // svc
                         is(instruction, 0x0000f000, 0x0000f000) ||  // to pc
                         is(instruction, 0x0e108000, 0x08108000);    // ldm of pc
  return elsewhere ? Step::unknown : Step::plain;
}

Step thumb_step(uint32_t instruction, size_t at) {
  if (instruction == 0x4770 || is(instruction, 0xff00, 0xbd00))  // bx lr; pop {..., pc}
    return Step::returns;
  if (is(instruction, 0xf000, 0xd000)) {  // b<cond>; svc
    const bool condition = !is(instruction, 0x0e00, 0x0e00);
    const int32_t offset = static_cast<int8_t>(instruction) * 2;
    return condition && is_loop(at, offset, 4) ? Step::plain : Step::unknown;
  }
  const bool elsewhere = is(instruction, 0xf800, 0xe000) ||  // b
                         is(instruction, 0xff00, 0x4700) ||  // bx, blx
                         is(instruction, 0xf500, 0xb100) ||  // cbz, cbnz
                         is(instruction, 0xfd87, 0x4487) ||  // to pc
                         (is(instruction, 0xff00, 0xbf00) && (instruction & 0xf) != 0) ||  // it
                         is(instruction, 0xfe00, 0xde00) ||                                // udf
                         is(instruction, 0xff00, 0xbe00);                                  // bkpt
  return elsewhere ? Step::unknown : Step::plain;
}

Step wide_thumb_step(uint32_t first, uint32_t second) {
  constexpr uint32_t kBarrier = 0xf3bf;
  const bool pops = first == 0xe8bd && is(second, 0x8000, 0x8000);
  if (pops || (first == 0xf85d && second == 0xfb04)) return Step::returns;
  if (first == kBarrier) return Step::plain;
  const bool elsewhere = (is(first, 0xf800, 0xf000) && is(second, 0x8000, 0x8000)) ||  // b, bl
                         (is(first, 0xfff0, 0xe8d0) && is(second, 0xffe0, 0xf000)) ||  // tbb
                         (is(first, 0xfe10, 0xf810) && is(second, 0xf000, 0xf000)) ||  // ldr pc
                         (is(first, 0xfe10, 0xe810) && is(second, 0x8000, 0x8000));    // ldm of pc
  return elsewhere ? Step::unknown : Step::plain;
}

}  // namespace

bool is_plain_leaf(std::span<const uint8_t> code, uint64_t address) {
  constexpr size_t kMost = 64;
  const bool thumb = (address & 1) != 0;
  for (size_t at = 0; at + 4 <= code.size() && at < kMost;) {
    const auto first = load<uint16_t>(code, at);
    const bool wide = !thumb || first >= 0xe800;
    const Step step = !thumb ? arm_step(load<uint32_t>(code, at), at)
                      : wide ? wide_thumb_step(first, load<uint16_t>(code, at + 2))
                             : thumb_step(first, at);
    if (step != Step::plain) return step == Step::returns;
    at += wide ? 4 : 2;
  }
  return false;
}

}  // namespace thaw::arch
