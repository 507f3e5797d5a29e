// What is free in the app's address space.
#pragma once

#include <vector>

#include "checkpoint/plan/memory_plan.h"

namespace thaw::checkpoint {

/// Free ranges between everything that the app will have mapped, ascending.
std::vector<Span> free_ranges(const ProcessCapture& process, const MemoryPlan& plan);

/// Where `size` bytes that the app keeps for thaw go. With address space to spare, far from
/// everything; without, where it hurts least.
Result<uint64_t> choose_place(const std::vector<Span>& free, uint64_t size, uint64_t page_size);

/// The same for what must be within reach of all of the program's code, whose call sites are known:
/// below it or above, but not where its heap may grow (brk(2)).
Result<uint64_t> choose_place_near_code(const ProcessCapture& process, const MemoryPlan& plan,
                                        uint64_t size, uint64_t page_size);

/// Records the largest free ranges: room for the restorer of a launch.
void record_gaps(Capture& capture, ProcessCapture& process, const MemoryPlan& plan);

}  // namespace thaw::checkpoint
