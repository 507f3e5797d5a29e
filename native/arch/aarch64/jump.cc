// ldr x16, .+8; br x16; target. x16 (IP0) is free for this at a function's entry (AAPCS64).
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {

const size_t kJumpSize = 16;

std::vector<uint8_t> jump_code(uint64_t, uint64_t target) {
  constexpr uint32_t kCode[] = {0x58000050, 0xd61f0200};
  std::vector<uint8_t> code(kJumpSize);
  memcpy(code.data(), kCode, sizeof(kCode));
  memcpy(code.data() + sizeof(kCode), &target, sizeof(target));
  return code;
}

/// mov x0, #-38; ret
std::vector<uint8_t> return_enosys_code() {
  return {0xa0, 0x04, 0x80, 0x92, 0xc0, 0x03, 0x5f, 0xd6};
}

}  // namespace thaw::arch
