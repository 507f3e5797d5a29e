// Names of what a CPU lacks, for each CPU on every other: `thaw show` and `thaw verify --root` read
// images of devices on the machine that builds them.
#pragma once

#include <string>

#include "arch/arch.h"

namespace thaw::arch {

namespace x86_64 {
std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present);
}
namespace aarch64 {
std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present);
}
namespace arm {
std::string missing_features(const CpuFeatures& needed, const CpuFeatures& present);
}

/// A CPU as image headers number it (arch::kCpu).
struct Cpu {
  const char* name;
  /// Names of features in `needed` that `present` lacks.
  std::string (*missing_features)(const CpuFeatures& needed, const CpuFeatures& present);
};

/// Null for a number that no CPU has.
const Cpu* cpu(uint32_t number);

}  // namespace thaw::arch
