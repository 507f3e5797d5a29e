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

/// Whether a handler that is running may return into the code: its frame is on the thread's stack.
bool returns_into(const ThreadCapture& thread, const ProcessCapture& process,
                  const std::vector<AddressRange>& code) {
  constexpr uint64_t kMost = 64 << 10;
  const uint64_t top = arch::stack_pointer(thread.registers) / sizeof(uint64_t) * sizeof(uint64_t);
  const Vma* stack = process.mapping(top);
  if (stack == nullptr) return false;
  std::vector<uint64_t> words(std::min(kMost, stack->end - top) / sizeof(uint64_t));
  if (!process.memory.read(top, words.data(), words.size() * sizeof(uint64_t))) return false;
  return std::any_of(words.begin(), words.end(),
                     [&code](uint64_t word) { return is_within(word, code); });
}

}  // namespace

Result<void> check_program_counters(const ProcessCapture& process, const MemoryPlan& plan) {
  const auto changed = plan.changed_code();
  for (const ThreadCapture& thread : process.threads) {
    const uint64_t pc = arch::program_counter(thread.registers);
    const bool evades = plan.sites && (plan.sites->evades(thread.registers) ||
                                       returns_into(thread, process, changed));
    if (!comes_back(pc, process, plan) || is_within(pc, changed) || evades)
      return Error{EAGAIN, "a thread of the app never leaves code that thaw must change"};
  }
  return {};
}

}  // namespace thaw::checkpoint
