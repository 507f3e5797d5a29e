// Code that is written over functions. It starts with a landing pad (bti c), which code in BTI
// pages needs and which does nothing elsewhere. Jumps go by way of x16, which calls may clobber
// (AAPCS64) and from which a jump may land on another bti c.
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

constexpr uint32_t kJump[] = {
    0xd503245f,  // bti c
    0x58000050,  // ldr x16, .+8
    0xd61f0200,  // br x16
};

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
  const uint32_t words[] = {
      0xd503245f,                // bti c
      0xd2800008 | number << 5,  // mov x8, #number
      0xd4000001,                // svc #0
      0xd65f03c0,                // ret
  };
  std::vector<uint8_t> code(sizeof(words));
  memcpy(code.data(), words, sizeof(words));
  return code;
}

}  // namespace thaw::arch
