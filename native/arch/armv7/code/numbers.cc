#include "arch/armv7/code/numbers.h"

#include <set>

namespace thaw::arch {
namespace {

/// Follows the number from its use back to all instructions that may have set it.
class Search {
 public:
  explicit Search(const Sweep& sweep) : sweep_(sweep) {}

  std::vector<uint64_t> run(uint64_t address) {
    reach(address);
    while (!failed_ && !open_.empty()) {
      const uint64_t place = open_.back();
      open_.pop_back();
      for (const uint64_t source : sweep_.jumps_to(place)) reach(source);
      leave_backwards(place);
    }
    if (failed_) return {};
    return {numbers_.begin(), numbers_.end()};
  }

 private:
  static constexpr size_t kMostPlaces = 4000;

  /// The number matters before the instruction there.
  void reach(uint64_t address) {
    if (seen_.size() > kMostPlaces || sweep_.is_entry(address)) failed_ = true;
    if (!failed_ && seen_.insert(address).second) open_.push_back(address);
  }

  void leave_backwards(uint64_t place) {
    const auto before = sweep_.before(place);
    if (before && before->ends_flow) return;
    if (const auto number = before ? number_of(*before) : std::nullopt)
      numbers_.insert(*number);
    else if (before && before->leaves_number && !before->is_linking)
      reach(before->address);
    else
      failed_ = true;
  }

  /// What the instruction makes of it: a constant, of its own or from among the code.
  [[nodiscard]] std::optional<uint64_t> number_of(const Instruction& instruction) const {
    using What = Instruction::Put::What;
    if (instruction.number) return instruction.number;
    const auto& put = instruction.put;
    uint32_t literal = 0;
    if (instruction.conditional || !put || put->what != What::literal || put->reg != kCallNumber ||
        !sweep_.code().read(put->value, &literal, sizeof(literal)))
      return {};
    return literal;
  }

  const Sweep& sweep_;
  std::vector<uint64_t> open_;
  std::set<uint64_t> seen_, numbers_;
  bool failed_ = false;
};

}  // namespace

std::vector<uint64_t> numbers_at(const Sweep& sweep, uint64_t address) {
  return Search(sweep).run(address);
}

}  // namespace thaw::arch
