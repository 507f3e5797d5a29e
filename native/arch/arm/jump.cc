// Code that is written over functions. Bit 0 of `from` tells that Thumb code is to be written. A
// jump is a load into pc from the word behind it, which also changes between ARM and Thumb (bit 0
// of the target).
#include <cstring>

#include "arch/arch.h"

namespace thaw::arch {
namespace {

constexpr uint32_t kLoadPc = 0xe51ff004;               // ldr pc, [pc, #-4]
constexpr uint16_t kThumbLoadPc[] = {0xf8df, 0xf000};  // ldr.w pc, [pc, #0]
constexpr uint16_t kThumbNop = 0xbf00;

void append(std::vector<uint8_t>& code, const void* bytes, size_t size) {
  const auto* first = static_cast<const uint8_t*>(bytes);
  code.insert(code.end(), first, first + size);
}

}  // namespace

extern const size_t kJumpSize;
const size_t kJumpSize = sizeof(kThumbNop) + sizeof(kThumbLoadPc) + sizeof(uint32_t);

std::vector<uint8_t> jump_code(uint64_t from, uint64_t target) {
  std::vector<uint8_t> code;
  if ((from & 1) == 0) {
    append(code, &kLoadPc, sizeof(kLoadPc));
  } else {
    if ((from & 2) != 0) append(code, &kThumbNop, sizeof(kThumbNop));  // The load must be aligned.
    append(code, kThumbLoadPc, sizeof(kThumbLoadPc));
  }
  const auto address = static_cast<uint32_t>(target);
  append(code, &address, sizeof(address));
  return code;
}

std::vector<uint8_t> syscall_code(uint64_t from, uint32_t number) {
  std::vector<uint8_t> code;
  if ((from & 1) == 0) {
    const uint32_t words[] = {
        0xe52d7004,                                              // push {r7}
        0xe3007000 | (number & 0xf000) << 4 | (number & 0xfff),  // movw r7, #number
        0xef000000,                                              // svc #0
        0xe49d7004,                                              // pop {r7}
        0xe12fff1e,                                              // bx lr
    };
    append(code, words, sizeof(words));
    return code;
  }
  const auto high = static_cast<uint16_t>(0xf240 | number >> 12 | (number >> 1 & 0x400));
  const auto low = static_cast<uint16_t>(0x0700 | (number << 4 & 0x7000) | (number & 0xff));
  const uint16_t halves[] = {0xb480, high, low, 0xdf00, 0xbc80, 0x4770};  // The same in Thumb.
  append(code, halves, sizeof(halves));
  return code;
}

}  // namespace thaw::arch
