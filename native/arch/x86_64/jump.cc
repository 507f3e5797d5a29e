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

/// mov $number, %eax; syscall; ret. Arguments are where the call wants them, but for the fourth and
/// on, which no function of the vDSO passes on.
std::vector<uint8_t> syscall_code(uint64_t, long number) {
  std::vector<uint8_t> code = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3};
  const auto value = static_cast<uint32_t>(number);
  memcpy(code.data() + 1, &value, sizeof(value));
  return code;
}

uint64_t instruction_address(uint64_t address) {
  return address;
}

const std::string_view kVdsoSignalReturn;

}  // namespace thaw::arch
