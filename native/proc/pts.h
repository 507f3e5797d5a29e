// Numbers of pseudo-terminals.
#pragma once

#include <cstdint>
#include <optional>

namespace thaw::proc {

constexpr uint32_t kPtsMajor = 136;  ///< UNIX98_PTY_SLAVE_MAJOR; its minors have 20 bits

/// Of a device number as the kernel has it (new_encode_dev(), which /proc and TIOCGDEV give, and makedev(3) has not): which
/// pseudo-terminal it is; nothing of another device.
constexpr std::optional<uint32_t> pts_number(uint32_t device) {
  if ((device >> 8 & 0xfff) != kPtsMajor) return std::nullopt;
  return (device & 0xff) | (device >> 12 & ~0xffu);
}

}  // namespace thaw::proc
