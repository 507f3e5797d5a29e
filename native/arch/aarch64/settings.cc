#include "arch/arch.h"

namespace thaw::arch {

std::span<const Setting> cpu_settings() {
  return {};
}

const bool kKeepsKeyRights = false;
const uint32_t kProtectionKeys = 8;  // Those of POE.

}  // namespace thaw::arch
