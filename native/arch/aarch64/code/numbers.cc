#include "arch/aarch64/code/numbers.h"

#include "arch/number_search.h"

namespace thaw::arch {
namespace {

NumberOrigin origin_of(const Labels& labels, const Code& code, uint64_t place) {
  using What = NumberOrigin::What;
  const uint64_t before = place - sizeof(uint32_t);
  if (!code.holds(before)) return {What::unknown};
  const Instruction instruction = labels.at(before);
  if (instruction.ends_flow()) return {What::nothing};
  if (const auto constant = instruction.constant(); constant && instruction.d() == kCallNumber)
    return {What::constant, *constant};
  if (instruction.leaves_alone(kCallNumber)) return {What::before, before};
  return {What::unknown};
}

}  // namespace

std::vector<uint64_t> numbers_at(const Labels& labels, const Code& code, uint64_t address) {
  return search_numbers(labels, address,
                        [&](uint64_t place) { return origin_of(labels, code, place); });
}

}  // namespace thaw::arch
