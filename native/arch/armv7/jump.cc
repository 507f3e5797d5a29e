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
  const bool aligned = (from & 2) == 0;
  constexpr uint16_t kThumb[] = {0xbf00, 0xf8df, 0xf000};  // nop, to a word boundary; ldr.w
  const size_t skipped = aligned ? sizeof(kThumb[0]) : 0, size = sizeof(kThumb) - skipped;
  std::vector<uint8_t> code(size + sizeof(address));
  memcpy(code.data(), reinterpret_cast<const uint8_t*>(kThumb) + skipped, size);
  memcpy(code.data() + size, &address, sizeof(address));
  return code;
}

/// push {r7}; movw r7, #number; svc #0; pop {r7}; bx lr (Arm ARM A8.8.102, encodings A2 and T3 of
/// MOV, immediate).
std::vector<uint8_t> syscall_code(uint64_t from, long number) {
  const auto value = static_cast<uint32_t>(number & 0xffff);
  if ((from & 1) == 0) {
    const uint32_t arm[] = {0xe52d7004, 0xe3007000 | (value & 0xf000) << 4 | (value & 0xfff),
                            0xef000000, 0xe49d7004, 0xe12fff1e};
    std::vector<uint8_t> code(sizeof(arm));
    memcpy(code.data(), arm, sizeof(arm));
    return code;
  }
  const uint16_t thumb[] = {0xb480,
                            static_cast<uint16_t>(0xf240 | value >> 12 | (value >> 11 & 1) << 10),
                            static_cast<uint16_t>(0x0700 | (value >> 8 & 7) << 12 | (value & 0xff)),
                            0xdf00,
                            0xbc80,
                            0x4770};
  std::vector<uint8_t> code(sizeof(thumb));
  memcpy(code.data(), thumb, sizeof(thumb));
  return code;
}

uint64_t instruction_address(uint64_t address) {
  return address & ~uint64_t{1};
}

const std::string_view kVdsoSignalReturn;

}  // namespace thaw::arch
