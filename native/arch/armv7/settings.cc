#include "arch/arch.h"

namespace thaw::arch {

std::span<const Setting> cpu_settings() {
  return {};
}

}  // namespace thaw::arch
