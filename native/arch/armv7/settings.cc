#include "arch/arch.h"

namespace thaw::arch {

std::span<const Setting> cpu_settings() {
  return {};
}

const bool kKeepsKeyRights = false;

}  // namespace thaw::arch
