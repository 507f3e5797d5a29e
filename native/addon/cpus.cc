#include "arch/feature_names.h"

namespace thaw::arch {

const Cpu* cpu(uint32_t number) {
  static constexpr Cpu kCpus[] = {{"x86_64", x86_64::missing_features},
                                  {"aarch64", aarch64::missing_features},
                                  {"armv7", arm::missing_features}};
  return number >= 1 && number <= std::size(kCpus) ? &kCpus[number - 1] : nullptr;
}

}  // namespace thaw::arch
