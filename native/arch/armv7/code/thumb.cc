// Thumb code: instructions of 16 and 32 bits; an IT block makes the up to four behind it conditional.
#include <bit>

#include "arch/armv7/code/instruction.h"

namespace thaw::arch {
namespace {

constexpr uint64_t kPcAhead = 4;  ///< what the program counter reads as, behind the instruction
using Put = Instruction::Put;

uint32_t word_base(const Instruction& out) {
  return static_cast<uint32_t>((out.address + kPcAhead) & ~uint64_t{3});
}

void branch(Instruction& out, int64_t distance) {
  out.target = (out.address + kPcAhead + static_cast<uint64_t>(distance)) & 0xffffffff;
  out.leaves_number = true;
}

/// A plain one with a result in register `d`.
void plain(Instruction& out, uint32_t d) {
  out.leaves_number = d != kCallNumber;
  out.is_movable = d != kProgramCounter;
}

void put_number(Instruction& out, uint32_t reg, uint32_t value) {
  plain(out, reg);
  out.put = Put{Put::What::number, reg, 0, value};
  if (reg == kCallNumber && !out.conditional) out.number = value;
}

void read_literal(Instruction& out, uint32_t reg, uint32_t place) {
  out.literal = place;
  out.put = Put{Put::What::literal, reg, 0, place};
  out.leaves_number = reg != kCallNumber;
}

/// add, cmp, mov of all registers; bx, blx.
void decode_high(Instruction& out, uint32_t code) {
  const uint32_t kind = bits(code, 8, 2), m = bits(code, 3, 4);
  const uint32_t d = bits(code, 7, 1) << 3 | bits(code, 0, 3);
  if (kind == 3) {
    out.is_linking = is_bit(code, 7);
    if (!out.is_linking) out.leave(m == kLink);
    return;
  }
  if (kind == 1) {
    out.leaves_number = true;
    out.is_movable = m != kProgramCounter && d != kProgramCounter;
    return;
  }
  plain(out, d);
  if (m == kProgramCounter) out.is_movable = false;
  if (kind == 0 && m == kProgramCounter)
    out.put = Put{Put::What::address, d, d, static_cast<uint32_t>(out.address + kPcAhead)};
  if (d == kProgramCounter) out.leave(kind == 2 && m == kLink);
}

/// What begins with 1011.
void decode_miscellaneous(Instruction& out, uint32_t code) {
  const uint32_t kind = bits(code, 8, 4);
  if ((kind & 5) == 1) {  // cbz, cbnz
    branch(out, int64_t{bits(code, 9, 1)} << 6 | int64_t{bits(code, 3, 5)} << 1);
    out.conditional = true;
    return;
  }
  switch (kind) {
    case 0x0:  // add sp, sub sp
      return plain(out, kStackPointer);
    case 0x2:  // sxth and its like
    case 0xa:  // rev
      return plain(out, bits(code, 0, 3));
    case 0x4:
    case 0x5:  // push
      return plain(out, kStackPointer);
    case 0xc:
    case 0xd:  // pop
      out.leaves_number = !is_bit(code, kCallNumber);
      out.is_movable = kind == 0xc && out.leaves_number;
      if (kind == 0xd) out.leave(true);
      return;
    case 0xe:  // bkpt
      out.leaves_number = true;
      return;
    case 0xf:  // it, hints
      out.leaves_number = true;
      out.is_movable = code == 0xbf00;
      if ((code & 0xf) != 0) out.it_block = 4 - static_cast<uint32_t>(std::countr_zero(code));
      return;
    default:
      return;
  }
}

/// ldm, stm of low registers; the base that is among those that are loaded is not written back.
void decode_multiple(Instruction& out, uint32_t code) {
  const uint32_t n = bits(code, 8, 3);
  const bool sets = is_bit(code, 11) && is_bit(code, kCallNumber);
  out.leaves_number = !sets && n != kCallNumber;
  out.is_movable = true;
}

/// Branches under a condition, svc, and what is no instruction.
void decode_conditional(Instruction& out, uint32_t code) {
  const uint32_t condition = bits(code, 8, 4);
  if (condition == 15) {
    out.is_call = true;
    out.is_usual = code == 0xdf00 && !out.conditional;
    out.leaves_number = true;
  } else if (condition == 14) {
    out.ends_flow = true;  // udf
  } else {
    branch(out, with_sign(code & 0xff, 8) * 2);
    out.conditional = true;
  }
}

void decode_short(Instruction& out, uint32_t code) {
  switch (code >> 12) {
    case 0x0:
    case 0x1:
      return plain(out, bits(code, 0, 3));
    case 0x2:
      if (is_bit(code, 11)) {  // cmp
        out.leaves_number = out.is_movable = true;
        return;
      }
      return put_number(out, bits(code, 8, 3), code & 0xff);
    case 0x3:
      return plain(out, bits(code, 8, 3));
    case 0x4:
      if (is_bit(code, 11))
        return read_literal(out, bits(code, 8, 3), word_base(out) + (code & 0xff) * 4);
      if (is_bit(code, 10)) return decode_high(out, code);
      return plain(out, bits(code, 0, 3));
    case 0x5:
    case 0x6:
    case 0x7:
    case 0x8:  // Loads and stores: of a store, the register stays as it is.
      return plain(out, bits(code, 0, 3));
    case 0x9:
      return plain(out, bits(code, 8, 3));
    case 0xa:
      plain(out, bits(code, 8, 3));
      if (!is_bit(code, 11)) {
        put_number(out, bits(code, 8, 3), word_base(out) + (code & 0xff) * 4);
        out.is_movable = false;
        out.number.reset();
      }
      return;
    case 0xb:
      return decode_miscellaneous(out, code);
    case 0xc:
      return decode_multiple(out, code);
    case 0xd:
      return decode_conditional(out, code);
    default:
      branch(out, with_sign(code & 0x7ff, 11) * 2);
      out.ends_flow = !out.conditional;
  }
}

struct Long {
  uint32_t first, second;
  [[nodiscard]] uint32_t n() const { return bits(first, 0, 4); }
  [[nodiscard]] uint32_t t() const { return bits(second, 12, 4); }
  [[nodiscard]] uint32_t d() const { return bits(second, 8, 4); }
  [[nodiscard]] uint32_t m() const { return bits(second, 0, 4); }
  [[nodiscard]] uint32_t split_immediate() const {
    return bits(first, 10, 1) << 11 | bits(second, 12, 3) << 8 | (second & 0xff);
  }
  [[nodiscard]] uint32_t wide_immediate() const { return n() << 12 | split_immediate(); }
  /// ThumbExpandImm (A6.3.2).
  [[nodiscard]] uint32_t expanded() const {
    const uint32_t value = split_immediate(), byte = value & 0xff;
    switch (value >> 8) {
      case 0:
        return byte;
      case 1:
        return byte << 16 | byte;
      case 2:
        return byte << 24 | byte << 8;
      case 3:
        return byte * 0x01010101;
      default:
        return std::rotr(0x80 | (value & 0x7f), static_cast<int>(value >> 7));
    }
  }
  /// Of b, bl and blx; the distance of `b` under a condition is shorter.
  [[nodiscard]] int64_t distance() const {
    const uint32_t sign = bits(first, 10, 1);
    const uint32_t i1 = bits(second, 13, 1) ^ sign ^ 1, i2 = bits(second, 11, 1) ^ sign ^ 1;
    return with_sign(
        sign << 24 | i1 << 23 | i2 << 22 | bits(first, 0, 10) << 12 | bits(second, 0, 11) << 1, 25);
  }
  [[nodiscard]] int64_t short_distance() const {
    return with_sign(bits(first, 10, 1) << 20 | bits(second, 11, 1) << 19 |
                         bits(second, 13, 1) << 18 | bits(first, 0, 6) << 12 |
                         bits(second, 0, 11) << 1,
                     21);
  }
};

/// b, bl, blx; barriers and hints.
void decode_long_branch(Instruction& out, const Long& f) {
  const bool links = is_bit(f.second, 14), plain_kind = is_bit(f.second, 12);
  if (links) {
    branch(out, f.distance());
    if (!plain_kind) out.target = *out.target & ~uint64_t{3};  // blx
    out.is_linking = true;
    out.leaves_number = false;
  } else if (plain_kind) {
    branch(out, f.distance());
    out.ends_flow = !out.conditional;
  } else if (bits(f.first, 7, 3) != 7) {
    branch(out, f.short_distance());
    out.conditional = true;
  } else {
    const bool hint = f.first == 0xf3af && (f.second & 0xff00) == 0x8000;
    const bool barrier = f.first == 0xf3bf && (f.second & 0xff00) == 0x8f00;
    const bool reads_flags = f.first == 0xf3ef && f.d() != kCallNumber;
    out.leaves_number = hint || barrier || reads_flags;
    out.ends_flow = (f.first & 0xfff0) == 0xf7f0;  // udf
  }
}

/// Data processing with an immediate.
void decode_immediate(Instruction& out, const Long& f) {
  constexpr uint32_t kMov = 0xf04f, kMvn = 0xf06f, kMovw = 0xf240, kMovt = 0xf2c0;
  constexpr uint32_t kAdrUp = 0xf20f, kAdrDown = 0xf2af;
  const uint32_t kind = f.first & 0xfbff, move = f.first & 0xfbf0;
  const bool flags_alone = f.d() == kProgramCounter && is_bit(f.first, 4) && !is_bit(f.first, 9);
  out.leaves_number = flags_alone || f.d() != kCallNumber;
  if ((kind & 0xffef) == kMov) return put_number(out, f.d(), f.expanded());
  if ((kind & 0xffef) == kMvn) return put_number(out, f.d(), ~f.expanded());
  if (move == kMovw) return put_number(out, f.d(), f.wide_immediate());
  if (move == kMovt) {
    plain(out, f.d());
    out.put = Put{Put::What::top, f.d(), 0, f.wide_immediate() << 16};
    return;
  }
  if (kind == kAdrUp || kind == kAdrDown) {
    const uint32_t distance = f.split_immediate(), base = word_base(out);
    out.put = Put{Put::What::number, f.d(), 0, kind == kAdrUp ? base + distance : base - distance};
    return;
  }
  out.is_movable = f.n() != kProgramCounter && (flags_alone || f.d() != kProgramCounter);
}

/// ldm and stm; pairs, exclusive ones and the tables of a switch; data processing with registers.
void decode_double(Instruction& out, const Long& f) {
  const bool loads = is_bit(f.first, 4);
  if (is_bit(f.first, 9)) {
    const bool moves = (f.first & 0xffef) == 0xea4f;
    const bool flags_alone = f.d() == kProgramCounter && loads;
    out.leaves_number = flags_alone || f.d() != kCallNumber;
    out.is_movable = (moves || f.n() != kProgramCounter) && f.m() != kProgramCounter &&
                     (flags_alone || f.d() != kProgramCounter);
    return;
  }
  if (!is_bit(f.first, 6)) {
    const bool sets = loads && is_bit(f.second, kCallNumber);
    out.leaves_number = !sets && !(is_bit(f.first, 5) && f.n() == kCallNumber);
    out.is_movable = !is_bit(f.second, kProgramCounter) && f.n() != kProgramCounter;
    if (loads && is_bit(f.second, kProgramCounter)) out.leave(f.n() == kStackPointer);
    return;
  }
  if ((f.first & 0xfff0) == 0xe8d0 && (f.second & 0xffe0) == 0xf000) {  // tbb, tbh
    out.leave(false);
    if (f.n() == kProgramCounter) out.table_unit = is_bit(f.second, 4) ? 2 : 1;
    return;
  }
  // A status is in the lowest register, or in those of a pair.
  out.leaves_number =
      f.n() != kCallNumber && f.t() != kCallNumber && f.d() != kCallNumber && f.m() != kCallNumber;
  const bool of_pair = is_bit(f.first, 8) || is_bit(f.first, 5);
  out.is_movable =
      of_pair && f.n() != kProgramCounter && f.t() != kProgramCounter && f.d() != kProgramCounter;
  if (of_pair && f.n() == kProgramCounter) {
    const uint32_t distance = (f.second & 0xff) * 4, base = word_base(out);
    out.literal = is_bit(f.first, 7) ? base + distance : base - distance;
    out.literal_size = 8;
  }
}

/// Loads and stores of one register.
void decode_single(Instruction& out, const Long& f) {
  if ((f.first & 0xff10) == 0xf900) {  // Elements of vectors.
    out.leaves_number = f.n() != kCallNumber;
    return;
  }
  const bool loads = is_bit(f.first, 4), indexed = !is_bit(f.first, 7) && is_bit(f.second, 11);
  const bool back = indexed && is_bit(f.second, 8) && f.n() == kCallNumber;
  if (f.n() == kProgramCounter) {
    const uint32_t distance = f.second & 0xfff, base = word_base(out);
    if (!loads) return;
    read_literal(out, f.t(), is_bit(f.first, 7) ? base + distance : base - distance);
    if (f.t() == kProgramCounter && bits(f.first, 5, 2) == 2) out.leave(false);
    return;
  }
  const bool by_register = !is_bit(f.first, 7) && bits(f.second, 6, 6) == 0;
  out.leaves_number = !back && !(loads && f.t() == kCallNumber);
  out.is_movable = f.t() != kProgramCounter && !(by_register && f.m() == kProgramCounter);
  const bool of_word = bits(f.first, 5, 2) == 2;
  if (loads && of_word && f.t() == kProgramCounter)
    out.leave(f.n() == kStackPointer && !by_register);
}

void decode_long(Instruction& out, const Long& f) {
  const uint32_t group = bits(f.first, 11, 2);
  if (is_bit(f.first, 10) && group != 2) {  // Coprocessors, which are VFP and the thread pointer.
    out.leaves_number = f.t() != kCallNumber && f.n() != kCallNumber;
    return;
  }
  if (group == 1) return decode_double(out, f);
  if (group == 2)
    return is_bit(f.second, 15) ? decode_long_branch(out, f) : decode_immediate(out, f);
  if (!is_bit(f.first, 9)) return decode_single(out, f);
  // Data processing with registers, multiplications; long ones have two results.
  out.leaves_number = f.d() != kCallNumber && f.t() != kCallNumber;
  out.is_movable = f.n() != kProgramCounter && f.m() != kProgramCounter && f.d() != kProgramCounter;
}

}  // namespace

Instruction decode_thumb(uint64_t address, uint32_t first, uint32_t second, bool conditional) {
  constexpr uint32_t kLeastOfLong = 0xe800;
  Instruction out;
  out.address = address;
  out.thumb = true;
  out.conditional = conditional;
  out.size = first >= kLeastOfLong ? 4 : 2;
  if (out.size == 4)
    decode_long(out, {first, second});
  else
    decode_short(out, first);
  // Elsewhere, there is no IT block around it.
  if (conditional) out.is_movable = false;
  return out;
}

}  // namespace thaw::arch
