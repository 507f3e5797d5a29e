// ARM code: words of 32 bits, of which most name a condition.
#include <bit>

#include "arch/armv7/code/instruction.h"

namespace thaw::arch {
namespace {

constexpr uint32_t kAlways = 14, kUnconditional = 15;
constexpr uint64_t kPcAhead = 8;  ///< what the program counter reads as, behind the instruction

struct Fields {
  uint32_t word;
  [[nodiscard]] uint32_t n() const { return bits(word, 16, 4); }
  [[nodiscard]] uint32_t d() const { return bits(word, 12, 4); }
  [[nodiscard]] uint32_t s() const { return bits(word, 8, 4); }
  [[nodiscard]] uint32_t m() const { return bits(word, 0, 4); }
  [[nodiscard]] bool loads() const { return is_bit(word, 20); }
  [[nodiscard]] bool writes_back() const { return !is_bit(word, 24) || is_bit(word, 21); }
  /// An immediate of eight bits, rotated.
  [[nodiscard]] uint32_t immediate() const {
    return std::rotr(word & 0xff, static_cast<int>(2 * bits(word, 8, 4)));
  }
  [[nodiscard]] uint32_t wide_immediate() const { return bits(word, 16, 4) << 12 | (word & 0xfff); }
};

void set_number(Instruction& out, uint32_t reg, uint32_t value) {
  out.put = Instruction::Put{Instruction::Put::What::number, reg, 0, value};
  if (reg == kCallNumber && !out.conditional) out.number = value;
}

/// b, bl; with the condition that is none: blx, to Thumb code.
void decode_branch(Instruction& out, const Fields& f, bool exchanges) {
  const int64_t distance = with_sign(f.word & 0xffffff, 24) * 4;
  const int64_t half = exchanges && is_bit(f.word, 24) ? 2 : 0;
  out.target = (out.address + kPcAhead + static_cast<uint64_t>(distance + half)) & 0xffffffff;
  out.is_linking = exchanges || is_bit(f.word, 24);
  out.ends_flow = !out.is_linking && !out.conditional;
  out.leaves_number = !out.is_linking;
}

void decode_unconditional(Instruction& out, const Fields& f) {
  if (bits(f.word, 25, 3) == 5) return decode_branch(out, f, true);
  const bool barrier = bits(f.word, 20, 8) == 0x57;
  const bool preload = (f.word & 0x0d70f000) == 0x0550f000;
  out.leaves_number = barrier || preload;
}

void decode_multiple(Instruction& out, const Fields& f) {
  const bool user = is_bit(f.word, 22), loads_pc = f.loads() && is_bit(f.word, kProgramCounter);
  const bool sets = f.loads() && is_bit(f.word, kCallNumber);
  out.leaves_number = !user && !sets && !(is_bit(f.word, 21) && f.n() == kCallNumber);
  out.is_movable =
      !user && !is_bit(f.word, kProgramCounter) && f.n() != kProgramCounter && !out.conditional;
  if (loads_pc) out.leave(f.n() == kStackPointer);
}

/// ldr, str and those of bytes, with a distance or a register.
void decode_single(Instruction& out, const Fields& f) {
  const bool by_register = is_bit(f.word, 25);
  const bool back = f.writes_back() && f.n() == kCallNumber;
  out.leaves_number = !back && !(f.loads() && f.d() == kCallNumber);
  out.is_movable = f.n() != kProgramCounter && f.d() != kProgramCounter &&
                   !(by_register && f.m() == kProgramCounter);
  if (f.loads() && f.n() == kProgramCounter && !by_register) {
    const uint64_t base = (out.address + kPcAhead) & ~uint64_t{3};
    out.literal = is_bit(f.word, 23) ? base + (f.word & 0xfff) : base - (f.word & 0xfff);
    out.put = Instruction::Put{Instruction::Put::What::literal, f.d(), 0,
                               static_cast<uint32_t>(*out.literal)};
  }
  if (f.loads() && f.d() == kProgramCounter) out.leave(f.n() == kStackPointer && !by_register);
}

/// Halfwords, pairs of words; multiplications, exclusive ones and the like.
void decode_extra(Instruction& out, const Fields& f) {
  const bool is_transfer = bits(f.word, 5, 2) != 0;
  if (!is_transfer) {  // Of those, ldrexd loads a pair.
    out.leaves_number = f.n() != kCallNumber && f.d() != kCallNumber && f.d() + 1 != kCallNumber;
    return;
  }
  const bool by_number = is_bit(f.word, 22);
  const bool of_pair = !f.loads() && bits(f.word, 5, 2) == 2;
  const bool sets = (f.loads() && f.d() == kCallNumber) ||
                    (of_pair && (f.d() == kCallNumber || f.d() + 1 == kCallNumber));
  out.leaves_number = !sets && !(f.writes_back() && f.n() == kCallNumber);
  out.is_movable = f.n() != kProgramCounter && f.d() != kProgramCounter &&
                   (by_number || f.m() != kProgramCounter);
  if (f.n() == kProgramCounter && by_number) {
    const uint64_t distance = f.s() << 4 | f.m();
    const uint64_t base = (out.address + kPcAhead) & ~uint64_t{3};
    out.literal = is_bit(f.word, 23) ? base + distance : base - distance;
    if (of_pair) out.literal_size = 8;
  }
}

/// bx, blx, clz, mrs and what has to do with the system.
void decode_miscellaneous(Instruction& out, const Fields& f) {
  const uint32_t kind = f.word & 0x0ffffff0;
  if (kind == 0x012fff10) return out.leave(f.m() == kLink);
  out.is_linking = kind == 0x012fff30;
  const bool clz = (f.word & 0x0fff0ff0) == 0x016f0f10, mrs = (f.word & 0x0fff0fff) == 0x010f0000;
  out.leaves_number = (clz || mrs) && f.d() != kCallNumber;
}

/// What `add` and `sub` make of the program counter.
void note_address(Instruction& out, const Fields& f, uint32_t opcode, bool immediate) {
  constexpr uint32_t kAdd = 4, kSub = 2;
  using What = Instruction::Put::What;
  const auto pc = static_cast<uint32_t>(out.address + kPcAhead);
  if (immediate && f.n() == kProgramCounter && (opcode == kAdd || opcode == kSub)) {
    const uint32_t distance = f.immediate();
    set_number(out, f.d(), opcode == kAdd ? pc + distance : pc - distance);
  }
  if (!immediate && opcode == kAdd && bits(f.word, 4, 8) == 0 &&
      (f.n() == kProgramCounter || f.m() == kProgramCounter))
    out.put = Instruction::Put{What::address, f.d(), f.n() == kProgramCounter ? f.m() : f.n(), pc};
}

/// mov pc, lr; Go's add pc, lr, #0.
bool is_return(const Fields& f) {
  return (f.word & 0x0fffffff) == 0x01a0f00e || (f.word & 0x0fffffff) == 0x028ef000;
}

void decode_processing(Instruction& out, const Fields& f) {
  constexpr uint32_t kMov = 13, kMvn = 15, kFirstTest = 8, kLastTest = 11;
  const uint32_t opcode = bits(f.word, 21, 4);
  const bool immediate = is_bit(f.word, 25), tests = opcode >= kFirstTest && opcode <= kLastTest;
  const bool reads_n = opcode != kMov && opcode != kMvn;
  const bool by_register = !immediate && is_bit(f.word, 4);
  out.leaves_number = tests || f.d() != kCallNumber;
  out.is_movable = (tests || f.d() != kProgramCounter) && !(reads_n && f.n() == kProgramCounter) &&
                   !(!immediate && f.m() == kProgramCounter) &&
                   !(by_register && f.s() == kProgramCounter);
  if (tests) return;
  if (immediate && opcode == kMov) set_number(out, f.d(), f.immediate());
  if (immediate && opcode == kMvn) set_number(out, f.d(), ~f.immediate());
  note_address(out, f, opcode, immediate);
  if (f.d() == kProgramCounter) out.leave(is_return(f));
}

/// movw, movt, hints; data processing in all its forms.
void decode_data(Instruction& out, const Fields& f) {
  const bool immediate = is_bit(f.word, 25), no_flags = (f.word & 0x01900000) == 0x01000000;
  if (!immediate && is_bit(f.word, 7) && is_bit(f.word, 4)) return decode_extra(out, f);
  if (!no_flags) return decode_processing(out, f);
  if (!immediate) return decode_miscellaneous(out, f);
  const uint32_t opcode = bits(f.word, 20, 5);
  if (opcode == 0x12) {  // msr to flags alone; hints
    out.leaves_number = true;
    return;
  }
  out.leaves_number = f.d() != kCallNumber;
  out.is_movable = (opcode == 0x10 || opcode == 0x14) && f.d() != kProgramCounter;
  if (opcode == 0x10) set_number(out, f.d(), f.wide_immediate());
  if (opcode == 0x14)
    out.put = Instruction::Put{Instruction::Put::What::top, f.d(), 0, f.wide_immediate() << 16};
}

/// Registers of the coprocessors, which are those of VFP and the thread pointer.
void decode_coprocessor(Instruction& out, const Fields& f) {
  out.leaves_number = f.d() != kCallNumber && f.n() != kCallNumber;
}

}  // namespace

Instruction decode_arm(uint64_t address, uint32_t word) {
  Instruction out;
  out.address = address;
  out.size = sizeof(word);
  const Fields f = {word};
  const uint32_t condition = word >> 28;
  out.conditional = condition < kAlways;
  if (condition == kUnconditional) {
    decode_unconditional(out, f);
    return out;
  }
  switch (bits(word, 25, 3)) {
    case 0:
    case 1:
      decode_data(out, f);
      break;
    case 3:
      if (is_bit(word, 4)) {  // Media instructions.
        out.leaves_number = f.n() != kCallNumber && f.d() != kCallNumber;
        break;
      }
      [[fallthrough]];
    case 2:
      decode_single(out, f);
      break;
    case 4:
      decode_multiple(out, f);
      break;
    case 5:
      decode_branch(out, f, false);
      break;
    case 6:
      decode_coprocessor(out, f);
      break;
    default:
      out.is_call = is_bit(word, 24);
      out.is_usual = word == 0xef000000;
      if (out.is_call)
        out.leaves_number = true;
      else
        decode_coprocessor(out, f);
  }
  return out;
}

}  // namespace thaw::arch
