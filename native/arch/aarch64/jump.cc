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

/// mov x8, #number; svc #0; ret
std::vector<uint8_t> syscall_code(uint64_t, long number) {
  const uint32_t instructions[] = {0xd2800008 | static_cast<uint32_t>(number & 0xffff) << 5,
                                   0xd4000001, 0xd65f03c0};
  std::vector<uint8_t> code(sizeof(instructions));
  memcpy(code.data(), instructions, sizeof(instructions));
  return code;
}

uint64_t instruction_address(uint64_t address) {
  return address;
}

const std::string_view kVdsoSignalReturn = "__kernel_rt_sigreturn";

}  // namespace thaw::arch
