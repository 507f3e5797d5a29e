#include "arch/aarch64/code/numbers.h"

#include <set>

namespace thaw::arch {
namespace {

/// Follows the number from its use back to all instructions that may have set it.
class Search {
 public:
  Search(const Labels& labels, const Code& code) : labels_(labels), code_(code) {}

  std::vector<uint64_t> run(uint64_t address) {
    reach(address);
    while (!failed_ && !open_.empty()) {
      const uint64_t place = open_.back();
      open_.pop_back();
      for (const uint64_t source : labels_.jumps_to(place)) reach(source);
      leave_backwards(place - sizeof(uint32_t));
    }
    if (failed_) return {};
    return {numbers_.begin(), numbers_.end()};
  }

 private:
  static constexpr size_t kMostPlaces = 4000;

  /// The number matters before the instruction there.
  void reach(uint64_t address) {
    if (seen_.size() > kMostPlaces || labels_.is_entry(address)) failed_ = true;
    if (!failed_ && seen_.insert(address).second) open_.push_back(address);
  }

  void leave_backwards(uint64_t before) {
    if (!code_.holds(before)) {
      failed_ = true;
      return;
    }
    const Instruction instruction = labels_.at(before);
    if (instruction.ends_flow()) return;
    if (instruction.constant() && instruction.d() == kCallNumber)
      numbers_.insert(*instruction.constant());
    else if (instruction.leaves_alone(kCallNumber))
      reach(before);
    else
      failed_ = true;
  }

  const Labels& labels_;
  const Code& code_;
  std::vector<uint64_t> open_;
  std::set<uint64_t> seen_, numbers_;
  bool failed_ = false;
};

}  // namespace

std::vector<uint64_t> numbers_at(const Labels& labels, const Code& code, uint64_t address) {
  return Search(labels, code).run(address);
}

}  // namespace thaw::arch
