// Code that is written over functions. No landing pad (endbr64): Linux has indirect branch tracking
// for its own code only.
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

constexpr uint8_t kJump[] = {0xff, 0x25, 0, 0, 0, 0};  // jmp *0(%rip): changes no other register

}  // namespace

extern const size_t kJumpSize;
const size_t kJumpSize = sizeof(kJump) + sizeof(uint64_t);

std::vector<uint8_t> jump_code(uint64_t, uint64_t target) {
  std::vector<uint8_t> code(kJumpSize);
  memcpy(code.data(), kJump, sizeof(kJump));
  memcpy(code.data() + sizeof(kJump), &target, sizeof(target));
  return code;
}

std::vector<uint8_t> syscall_code(uint64_t, uint32_t number) {
  std::vector<uint8_t> code = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3};  // mov $n, %eax; syscall; ret
  memcpy(&code[1], &number, sizeof(number));
  return code;
}

}  // namespace thaw::arch
