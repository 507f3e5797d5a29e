#include "arch/arch.h"

namespace thaw::arch {

std::span<const Setting> cpu_settings() {
  return {};
}

const bool kKeepsKeyRights = false;
const uint32_t kProtectionKeys = 1;

}  // namespace thaw::arch
