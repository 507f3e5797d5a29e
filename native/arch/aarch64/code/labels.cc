#include "arch/aarch64/code/labels.h"

#include <array>
#include <cstring>

namespace thaw::arch {
namespace {

constexpr uint64_t kWord = sizeof(uint32_t);

/// What stands between two functions, as far as it may be code: linkers put constants into the same
/// segment, much of which would read as jumps and addresses.
AddressRange gap(uint64_t start, uint64_t end) {
  return {start, std::min(end, start + kLongestGap)};
}

uint64_t first_of(const AddressRange& range) {
  return (range.start + kWord - 1) / kWord * kWord;
}

/// Addresses that are made in two steps (adrp, add), by register: which of several adrp is added to is
/// not followed, so the last one counts, and so do all adds.
class Pages {
 public:
  /// What an instruction names.
  std::optional<uint64_t> pass(const Instruction& instruction) {
    if (instruction.is_address()) {
      pages_[instruction.d()] = instruction.named();
      return instruction.named();
    }
    const auto added = instruction.added();
    const auto page = pages_[instruction.n()];
    if (!added || !page) return {};
    return *page + *added;
  }

 private:
  std::array<std::optional<uint64_t>, 32> pages_;
};

}  // namespace

Labels::Labels(const Code& code)
    : code_(code), entry_(code.bytes.size() / kWord + 1), literal_(entry_.size()) {
  for (const uint64_t pointer : code.pointers) mark(entry_, pointer);
  uint64_t next = code.start;
  for (const AddressRange& function : code.functions) {
    note(gap(next, function.start));
    note_function(function);
    next = function.end;
  }
  note(gap(next, code.end()));
  jumps_.sort();
}

/// Where it jumps to an address that it has computed, a switch may lead to any of its words.
void Labels::note_function(const AddressRange& range) {
  note(range);
  mark(entry_, range.start);
  bool switches = false;
  for (uint64_t address = first_of(range); address + kWord <= range.end; address += kWord) {
    const Instruction instruction = at(address);
    if (const auto literal = instruction.literal())
      for (const uint64_t word : {*literal, *literal + kWord}) mark(literal_, word);
    switches = switches || instruction.is_indirect_jump();
  }
  for (uint64_t address = first_of(range); switches && address + kWord <= range.end;
       address += kWord)
    mark(entry_, address);
}

void Labels::note(const AddressRange& range) {
  Pages pages;
  for (uint64_t address = first_of(range); address + kWord <= range.end; address += kWord) {
    const Instruction instruction = at(address);
    if (const auto named = pages.pass(instruction)) mark(entry_, *named);
    const auto target = instruction.target();
    if (!target) continue;
    if (instruction.is_linking())
      mark(entry_, *target);
    else
      jumps_.add(*target, address);
  }
}

Instruction Labels::at(uint64_t address) const {
  Instruction instruction;
  instruction.address = address;
  memcpy(&instruction.word, &code_.bytes[address - code_.start], sizeof(instruction.word));
  return instruction;
}

}  // namespace thaw::arch
