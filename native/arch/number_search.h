// Follows the number of a system call from its use back to all instructions that may have set it, on
// CPUs where it comes straight from constants.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

namespace thaw::arch {

/// How the number got to a place by the instruction that stands before it.
struct NumberOrigin {
  enum class What : uint8_t {
    nothing,   ///< what stands before leads elsewhere
    constant,  ///< it is `value`
    before,    ///< it was there before that instruction, whose address is `value`
    unknown,
  };
  What what = What::unknown;
  uint64_t value = 0;
};

/// All numbers that the place is reached with, where they are constants; empty: they may be any. `Flow`
/// knows is_entry() and jumps_to() of addresses; `origin_of(place)` answers a NumberOrigin.
template <typename Flow, typename OriginOf>
std::vector<uint64_t> search_numbers(const Flow& flow, uint64_t address,
                                     const OriginOf& origin_of) {
  using What = NumberOrigin::What;
  constexpr size_t kMostPlaces = 4000;
  std::vector<uint64_t> open;
  std::set<uint64_t> seen, numbers;
  bool failed = false;
  /// The number matters before the instruction there.
  const auto reach = [&](uint64_t place) {
    if (seen.size() > kMostPlaces || flow.is_entry(place)) failed = true;
    if (!failed && seen.insert(place).second) open.push_back(place);
  };
  reach(address);
  while (!failed && !open.empty()) {
    const uint64_t place = open.back();
    open.pop_back();
    for (const uint64_t source : flow.jumps_to(place)) reach(source);
    const NumberOrigin origin = origin_of(place);
    if (origin.what == What::constant) numbers.insert(origin.value);
    if (origin.what == What::before) reach(origin.value);
    if (origin.what == What::unknown) failed = true;
  }
  if (failed) return {};
  return {numbers.begin(), numbers.end()};
}

}  // namespace thaw::arch
