#include "arch/x86_64/code/numbers.h"

#include <set>
#include <utility>

namespace thaw::arch {
namespace {

ZydisRegister whole(ZydisRegister part) {
  return Zydis::functions().enclosing(ZYDIS_MACHINE_MODE_LONG_64, part);
}

/// Follows a register from its use back to all instructions that may have set it.
class Search {
 public:
  explicit Search(const Sweep& sweep) : sweep_(sweep) {}

  std::vector<uint64_t> run(uint64_t address) {
    reach(address, ZYDIS_REGISTER_RAX);
    while (!failed_ && !open_.empty()) {
      const Place place = open_.back();
      open_.pop_back();
      leave_backwards(place);
    }
    if (failed_) return {};
    return {numbers_.begin(), numbers_.end()};
  }

 private:
  static constexpr size_t kMostPlaces = 4000;

  /// The value of the register before the instruction at the address matters.
  using Place = std::pair<uint64_t, ZydisRegister>;

  void reach(uint64_t address, ZydisRegister of) {
    if (seen_.size() > kMostPlaces || sweep_.is_entry(address)) failed_ = true;
    if (!failed_ && seen_.insert({address, of}).second) open_.push_back({address, of});
  }

  void leave_backwards(const Place& place) {
    const uint64_t before = sweep_.before(place.first);
    const auto previous = before == 0 ? std::nullopt : sweep_.decode(before);
    if (!previous) {
      failed_ = true;
      return;
    }
    if (!previous->ends_flow() && !is_told_by(*previous, ZYDIS_MNEMONIC_JNZ, place.second))
      pass(*previous, place.second);
    for (const uint64_t source : sweep_.jumps_to(place.first)) {
      const auto jump = sweep_.decode(source);
      if (jump && !is_told_by(*jump, ZYDIS_MNEMONIC_JZ, place.second)) reach(source, place.second);
      failed_ = failed_ || !jump;
    }
  }

  /// Who goes on from this `branch` knows the register from the comparison before it.
  bool is_told_by(const Instruction& branch, ZydisMnemonic by, ZydisRegister of) {
    if (branch.decoded.mnemonic != by || sweep_.is_label(branch.address)) return false;
    const uint64_t before = sweep_.before(branch.address);
    const auto compares = before == 0 ? std::nullopt : sweep_.decode(before);
    if (!compares) return false;
    const ZydisDecodedOperand& one = compares->operands[0];
    const ZydisDecodedOperand& other = compares->operands[1];
    if (!is_register(one) || whole(one.reg.value) != of || one.size < 32) return false;
    const bool is_test = compares->decoded.mnemonic == ZYDIS_MNEMONIC_TEST && is_register(other) &&
                         other.reg.value == one.reg.value;
    const bool is_compare = compares->decoded.mnemonic == ZYDIS_MNEMONIC_CMP &&
                            other.type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    if (is_test) numbers_.insert(0);
    if (is_compare) numbers_.insert(static_cast<uint32_t>(other.imm.value.u));
    return is_test || is_compare;
  }

  void pass(const Instruction& instruction, ZydisRegister of) {
    if (instruction.is_call()) failed_ = true;  // Nobody knows what it leaves in registers.
    if (failed_) return;
    if (!writes(instruction, of)) return reach(instruction.address, of);
    const ZydisDecodedOperand& to = instruction.operands[0];
    const ZydisDecodedOperand& from = instruction.operands[1];
    const bool sets_all = to.type == ZYDIS_OPERAND_TYPE_REGISTER && whole(to.reg.value) == of &&
                          to.size >= 32 && instruction.decoded.operand_count_visible == 2;
    if (sets_all && instruction.decoded.mnemonic == ZYDIS_MNEMONIC_XOR && is_register(from) &&
        from.reg.value == to.reg.value)
      numbers_.insert(0);
    else if (sets_all && instruction.decoded.mnemonic == ZYDIS_MNEMONIC_MOV &&
             from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
      numbers_.insert(static_cast<uint32_t>(from.imm.value.u));
    else if (sets_all && instruction.decoded.mnemonic == ZYDIS_MNEMONIC_MOV && is_register(from) &&
             from.size == to.size)
      reach(instruction.address, whole(from.reg.value));
    else
      failed_ = true;
  }

  static bool is_register(const ZydisDecodedOperand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_REGISTER;
  }

  /// Also where it does so only under a condition, or in part.
  static bool writes(const Instruction& instruction, ZydisRegister of) {
    const bool is_of_kernel = instruction.decoded.meta.category == ZYDIS_CATEGORY_SYSCALL ||
                              instruction.decoded.meta.category == ZYDIS_CATEGORY_INTERRUPT;
    if (is_of_kernel &&
        (of == ZYDIS_REGISTER_RAX || of == ZYDIS_REGISTER_RCX || of == ZYDIS_REGISTER_R11))
      return true;
    for (uint8_t i = 0; i < instruction.decoded.operand_count; ++i) {
      const ZydisDecodedOperand& operand = instruction.operands[i];
      if (is_register(operand) && (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0 &&
          whole(operand.reg.value) == of)
        return true;
    }
    return false;
  }

  const Sweep& sweep_;
  std::vector<Place> open_;
  std::set<Place> seen_;
  std::set<uint64_t> numbers_;
  bool failed_ = false;
};

}  // namespace

std::vector<uint64_t> numbers_at(const Sweep& sweep, uint64_t address) {
  return Search(sweep).run(address);
}

}  // namespace thaw::arch
