// All CPUs that there are images of: `thaw show` and `thaw verify --root` read images of devices on
// the machine that builds them.
#pragma once

#include <string_view>

#include "arch/arch.h"

/// One row per CPU: the name of its folder here.
#define THAW_CPUS(ROW) ROW(x86_64) ROW(aarch64) ROW(armv7)

namespace thaw::arch {

#define THAW_DECLARE_CPU(folder) \
  namespace folder {             \
  extern const Cpu kCpu;         \
  }
THAW_CPUS(THAW_DECLARE_CPU)
#undef THAW_DECLARE_CPU

/// Where the address space of a process ends at most, by the number of the CPU.
constexpr uint64_t kTaskEnds[] = {0, 0x7ffffffff000, uint64_t{1} << 52, 0xfffff000};

/// The CPU with this number in image headers; null: none has it.
const Cpu* cpu(uint32_t number);
/// The CPU with this name; null: none has it.
const Cpu* cpu(std::string_view name);

}  // namespace thaw::arch
