// ldr pc, [pc, #-4]; target: for ARM code, and for Thumb-2 code (bit 0 of `from`) ldr.w pc, [pc,
// #0], which counts from the next word boundary. Bit 0 of the target chooses the instruction set
// there; the shim is ARM code.
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {

const size_t kJumpSize = 10;  // Thumb code may begin in the middle of a word.

std::vector<uint8_t> jump_code(uint64_t from, uint64_t target) {
  const auto address = static_cast<uint32_t>(target);
  if ((from & 1) == 0) {
    constexpr uint32_t kArm = 0xe51ff004;
    std::vector<uint8_t> code(8);
    memcpy(code.data(), &kArm, sizeof(kArm));
    memcpy(code.data() + 4, &address, sizeof(address));
    return code;
  }
  std::vector<uint8_t> code;
  if ((from & 2) != 0) code = {0x00, 0xbf};  // nop, to a word boundary
  const std::vector<uint8_t> load = {0xdf, 0xf8, 0x00, 0xf0};
  code.insert(code.end(), load.begin(), load.end());
  code.resize(code.size() + sizeof(address));
  memcpy(code.data() + code.size() - sizeof(address), &address, sizeof(address));
  return code;
}

/// mvn r0, #37; bx lr
std::vector<uint8_t> return_enosys_code() {
  return {0x25, 0x00, 0xe0, 0xe3, 0x1e, 0xff, 0x2f, 0xe1};
}

}  // namespace thaw::arch
