// Messages as Wayland puts them on the wire: object, opcode and size, then arguments in words.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace thaw::session::wayland {

constexpr uint32_t kDisplay = 1;  ///< the object that is there from the beginning
constexpr uint32_t kFirstServerId = 0xff000000;
// Of wl_display and wl_callback, on which all protocols build: these do not change.
constexpr uint32_t kSync = 0, kError = 0, kDeleteId = 1, kDone = 0;

struct Message {
  uint32_t object = 0, opcode = 0;
  std::string_view arguments;
  size_t size = 0;  ///< in bytes, all of it
};

enum class Parsed { whole, partial, broken };

inline uint32_t word_at(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  if (at <= bytes.size() && bytes.size() - at >= sizeof(value))
    std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

/// Of the message that `bytes` begin with.
inline Parsed parse(std::string_view bytes, Message& message) {
  constexpr size_t kHead = 8;
  if (bytes.size() < kHead) return Parsed::partial;
  message.object = word_at(bytes, 0);
  message.opcode = word_at(bytes, 4) & 0xffff;
  message.size = word_at(bytes, 4) >> 16;
  if (message.object == 0 || message.size < kHead || message.size % 4 != 0) return Parsed::broken;
  if (bytes.size() < message.size) return Parsed::partial;
  message.arguments = bytes.substr(kHead, message.size - kHead);
  return Parsed::whole;
}

/// A message with one word.
inline std::string make_message(uint32_t object, uint32_t opcode, uint32_t argument) {
  const uint32_t words[] = {object, uint32_t{12} << 16 | opcode, argument};
  return {reinterpret_cast<const char*>(words), sizeof(words)};
}

}  // namespace thaw::session::wayland
