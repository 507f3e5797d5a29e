#include "arch/armv7/code/sweep.h"

#include <cstring>

namespace thaw::arch {

Sweep::Sweep(const Code& code) : code_(code) {
  for (Marks* marks : {&begins_, &thumb_, &conditional_, &literal_, &entry_, &switch_})
    marks->resize(code.bytes.size() / 2 + 1);
  for (const AddressRange& function : code.functions) mark(entry_, function.start);
  for (size_t i = 0; i < code.marks.size(); ++i) {
    const uint64_t end = i + 1 < code.marks.size() ? code.marks[i + 1].address : code.end();
    const char kind = code.marks[i].kind;
    const bool arm = kind == 'a' || (kind == 'c' && code.go == GoShare::all), thumb = kind == 't';
    if (arm || thumb) sweep({code.marks[i].address, end}, thumb);
  }
  note_pointers();
  note_switches();
  jumps_.sort();
}

uint32_t Sweep::load(uint64_t address, size_t size) const {
  uint32_t value = 0;
  if (code_.holds(address) && code_.end() - address >= size)
    memcpy(&value, &code_.bytes[address - code_.start], size);
  return value;
}

Instruction Sweep::decode(uint64_t address, bool thumb, bool conditional) const {
  if (!thumb) return decode_arm(address, load(address, sizeof(uint32_t)));
  return decode_thumb(address, load(address, 2), load(address + 2, 2), conditional);
}

std::optional<Instruction> Sweep::at(uint64_t address) const {
  if (address % 2 != 0 || !is(begins_, address)) return {};
  return decode(address, is(thumb_, address), is(conditional_, address));
}

std::optional<Instruction> Sweep::before(uint64_t address) const {
  for (const uint64_t size : {2, 4})
    if (const auto instruction = at(address - size); instruction && instruction->end() == address)
      return instruction;
  return {};
}

void Sweep::sweep(const AddressRange& range, bool thumb) {
  Constants constants;
  uint32_t it_block = 0;
  uint64_t address = std::max(range.start, code_.start);
  const uint64_t unit = thumb ? 2 : 4;
  address = (address + unit - 1) / unit * unit;
  while (address + unit <= std::min(range.end, code_.end())) {
    const Instruction instruction = decode(address, thumb, it_block != 0);
    mark(begins_, address);
    if (thumb) mark(thumb_, address);
    if (it_block != 0) mark(conditional_, address);
    it_block = it_block != 0 ? it_block - 1 : instruction.it_block;
    note(instruction);
    if (instruction.put) note_put(*instruction.put, constants);
    address = instruction.end();
  }
}

void Sweep::note(const Instruction& instruction) {
  if (instruction.is_switch && !note_table(instruction)) mark(switch_, instruction.address);
  if (instruction.literal)
    for (uint32_t at = 0; at < instruction.literal_size; at += 2)
      mark(literal_, *instruction.literal + at);
  if (!instruction.target) return;
  if (instruction.is_linking)
    mark(entry_, *instruction.target);
  else
    jumps_.add(*instruction.target, instruction.address);
}

/// Of a switch whose table is marked as constants: what stands there beyond its end leads somewhere, too.
bool Sweep::note_table(const Instruction& instruction) {
  const uint64_t start = instruction.end();
  const auto behind =
      std::upper_bound(code_.marks.begin(), code_.marks.end(), start,
                       [](uint64_t address, const Mark& mark) { return address < mark.address; });
  if (instruction.table_unit == 0 || behind == code_.marks.begin()) return false;
  const Mark& table = *(behind - 1);
  if (table.address != start || table.kind != 'd') return false;
  const uint64_t end = behind == code_.marks.end() ? code_.end() : behind->address;
  const uint32_t unit = instruction.table_unit;
  for (uint64_t at = start; at + unit <= end; at += unit)
    jumps_.add(start + 2 * uint64_t{load(at, unit)}, instruction.address);
  return true;
}

/// Which of several constants a register has is not followed, so the last one counts.
void Sweep::note_put(const Instruction::Put& put, Constants& constants) {
  using What = Instruction::Put::What;
  auto& reg = constants[put.reg];
  switch (put.what) {
    case What::number:
      reg = put.value;
      break;
    case What::top:
      reg = put.value | (reg.value_or(0) & 0xffff);
      break;
    case What::literal:
      reg = load(put.value, sizeof(uint32_t));
      break;
    case What::address:
      if (!constants[put.from]) return;
      reg = *constants[put.from] + put.value;
  }
  pointers_.push_back(*reg);
}

/// The lowest bit of an address that a branch may take chooses the instruction set; others are numbers
/// that equal an address (of literals, most are distances), or lead to a switch's part of its function.
void Sweep::note_pointers() {
  const auto note = [this](uint64_t pointer) {
    const uint64_t address = pointer & ~uint64_t{1};
    if (is(thumb_, address) == (pointer % 2 != 0)) mark(entry_, address);
  };
  for (const uint64_t pointer : pointers_) note(pointer);
  // Go's data hold addresses of whole functions alone, beside tables of numbers that equal others.
  if (code_.go == GoShare::all) return;
  for (const uint64_t pointer : code_.pointers) note(pointer);
}

/// Where a function jumps to an address that it has computed, it may be any of its own.
void Sweep::note_switches() {
  for (const AddressRange& function : code_.functions) {
    if (!code_.holds(function.start)) continue;
    const auto first = switch_.begin() + static_cast<std::ptrdiff_t>(index(function.start));
    const auto last =
        switch_.begin() + static_cast<std::ptrdiff_t>(index(std::min(function.end, code_.end())));
    if (std::find(first, last, true) == last) continue;
    for (uint64_t address = function.start; address < function.end; address += 2)
      mark(entry_, address);
  }
}

}  // namespace thaw::arch
