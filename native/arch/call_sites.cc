#include "arch/call_sites.h"

#include <cstdio>

namespace thaw::arch {

Error error_at(const char* what, uint64_t address) {
  char text[128];
  snprintf(text, sizeof(text), "%s at 0x%llx", what, static_cast<unsigned long long>(address));
  return Error{0, text};
}

}  // namespace thaw::arch
