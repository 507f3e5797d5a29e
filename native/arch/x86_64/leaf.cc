// Instructions by which compilers write to variables (Intel SDM, volume 2, appendix A).
#include "arch/arch.h"

namespace thaw::arch {
namespace {

/// Reads instructions one by one; ends at what it does not know.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> code) : code_(code) {}

  enum class Step { plain, returns, unknown };
  Step step() {
    bool wide = false, word = false;
    uint8_t opcode = next();
    for (; opcode == kLock || opcode == kWord; opcode = next()) word |= opcode == kWord;
    if (opcode == kRepeat) return step_repeat();
    if ((opcode & 0xf0) == 0x40) {
      wide = (opcode & 8) != 0;
      opcode = next();
    }
    return step_opcode(opcode, wide, word);
  }

 private:
  static constexpr uint8_t kLock = 0xf0, kWord = 0x66, kRepeat = 0xf3;

  /// endbr64, or a return in the manner of old compilers.
  Step step_repeat() {
    const uint8_t opcode = next();
    if (opcode == 0xc3) return Step::returns;
    const bool endbr = opcode == 0x0f && next() == 0x1e && next() == 0xfa;
    return endbr ? Step::plain : Step::unknown;
  }

  Step step_opcode(uint8_t opcode, bool wide, bool word) {
    switch (opcode) {
      case 0xc3:
        return Step::returns;
      case 0x90:  // nop
        return Step::plain;
      case 0x01:
      case 0x03:
      case 0x09:
      case 0x0b:
      case 0x21:
      case 0x23:
      case 0x29:
      case 0x2b:
      case 0x31:
      case 0x33:
      case 0x85:
      case 0x87:
      case 0x88:
      case 0x89:
      case 0x8a:
      case 0x8b:
      case 0x8d:
        return operands(0);
      case 0x80:
      case 0x83:
      case 0xc6:
        return operands(1);
      case 0x81:
      case 0xc7:
        return operands(word ? 2 : 4);
      case 0xfe:
      case 0xff: {  // inc, dec; behind them call and jmp
        const bool counts = (peek() >> 3 & 7) <= 1;
        return counts ? operands(0) : Step::unknown;
      }
      case 0x0f: {
        const uint8_t second = next();
        const bool known = second == 0x1f || second == 0xc1;  // nop, xadd
        return known ? operands(0) : Step::unknown;
      }
      default:
        if ((opcode & 0xf0) == 0x50) return Step::plain;  // push, pop
        return (opcode & 0xf8) == 0xb8 ? skip(wide ? 8 : 4) : Step::unknown;
    }
  }

  /// ModR/M, SIB and displacement, then an immediate.
  Step operands(size_t immediate) {
    const uint8_t modrm = next(), mode = modrm >> 6, base = modrm & 7;
    size_t displacement = mode == 1 ? 1 : mode == 2 ? 4 : 0;
    if (mode != 3 && base == 4) {
      const bool none = (next() & 7) == 5;
      if (mode == 0 && none) displacement = 4;
    } else if (mode == 0 && base == 5) {
      displacement = 4;
    }
    return skip(displacement + immediate);
  }

  Step skip(size_t count) {
    at_ += count;
    return at_ <= code_.size() ? Step::plain : Step::unknown;
  }
  [[nodiscard]] uint8_t peek() const { return at_ < code_.size() ? code_[at_] : uint8_t{0}; }
  uint8_t next() {
    const uint8_t byte = peek();
    ++at_;
    return byte;
  }

  std::span<const uint8_t> code_;
  size_t at_ = 0;
};

}  // namespace

bool is_plain_leaf(std::span<const uint8_t> code, uint64_t) {
  constexpr int kMost = 16;
  Reader reader(code);
  for (int i = 0; i < kMost; ++i) {
    const Reader::Step step = reader.step();
    if (step != Reader::Step::plain) return step == Reader::Step::returns;
  }
  return false;
}

}  // namespace thaw::arch
