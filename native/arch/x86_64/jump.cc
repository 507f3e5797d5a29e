// jmp *0(%rip), followed by the target: reaches any address and changes no register.
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {

const size_t kJumpSize = 14;

std::vector<uint8_t> jump_code(uint64_t, uint64_t target) {
  std::vector<uint8_t> code = {0xff, 0x25, 0, 0, 0, 0};
  code.resize(kJumpSize);
  memcpy(code.data() + 6, &target, sizeof(target));
  return code;
}

/// mov $-38, %rax; ret
std::vector<uint8_t> return_enosys_code() {
  return {0x48, 0xc7, 0xc0, 0xda, 0xff, 0xff, 0xff, 0xc3};
}

}  // namespace thaw::arch
