#include "arch/cpus.h"

namespace thaw::arch {

const Cpu* cpu(uint32_t number) {
#define THAW_ADDRESS(folder) &folder::kCpu,
  static constexpr const Cpu* kCpus[] = {THAW_CPUS(THAW_ADDRESS)};
#undef THAW_ADDRESS
  for (const Cpu* each : kCpus)
    if (each->number == number) return each;
  return nullptr;
}

}  // namespace thaw::arch
