#include "checkpoint/plan/program_counters.h"

#include <algorithm>

namespace thaw::checkpoint {
namespace {

/// The kernel's own code and an older thaw area do not come back as they are.
bool comes_back(uint64_t pc, const ProcessCapture& process, const MemoryPlan& plan) {
  const Vma* vma = process.mapping(pc);
  // A jump into nowhere, about to end the app, is its own affair.
  return vma == nullptr || std::any_of(plan.regions.begin(), plan.regions.end(),
                                       [vma](const Region& region) { return region.vma == vma; });
}

/// A thread that stands at the first byte has not begun to run the code.
bool is_within(uint64_t pc, const std::vector<AddressRange>& code) {
  return std::any_of(code.begin(), code.end(), [pc](const AddressRange& range) {
    return pc > range.start && pc < range.end;
  });
}

}  // namespace

Result<void> check_program_counters(const ProcessCapture& process, const MemoryPlan& plan) {
  const auto changed = plan.changed_code();
  for (const ThreadCapture& thread : process.threads) {
    const uint64_t pc = arch::program_counter(thread.registers);
    const bool evades = plan.sites && plan.sites->evades(thread.registers);
    if (!comes_back(pc, process, plan) || is_within(pc, changed) || evades)
      return Error{EAGAIN, "a thread of the app never leaves code that thaw must change"};
  }
  return {};
}

}  // namespace thaw::checkpoint
