#include "arch/armv7/code/numbers.h"

#include "arch/number_search.h"

namespace thaw::arch {
namespace {

/// What the instruction makes of the number: a constant, of its own or from among the code.
std::optional<uint64_t> number_of(const Sweep& sweep, const Instruction& instruction) {
  using What = Instruction::Put::What;
  if (instruction.number) return instruction.number;
  const auto& put = instruction.put;
  uint32_t literal = 0;
  if (instruction.conditional || !put || put->what != What::literal || put->reg != kCallNumber ||
      !sweep.code().read(put->value, &literal, sizeof(literal)))
    return {};
  return literal;
}

NumberOrigin origin_of(const Sweep& sweep, uint64_t place) {
  using What = NumberOrigin::What;
  const auto before = sweep.before(place);
  if (!before) return {What::unknown};
  if (before->ends_flow) return {What::nothing};
  if (const auto number = number_of(sweep, *before)) return {What::constant, *number};
  if (before->leaves_number && !before->is_linking) return {What::before, before->address};
  return {What::unknown};
}

}  // namespace

std::vector<uint64_t> numbers_at(const Sweep& sweep, uint64_t address) {
  return search_numbers(sweep, address,
                        [&sweep](uint64_t place) { return origin_of(sweep, place); });
}

}  // namespace thaw::arch
