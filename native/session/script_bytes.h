// Records and texts in the scripts of conversations, one after the other as an image holds them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace thaw::session {

template <typename T>
void append(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

/// What is left of the bytes. Its functions return false, and take nothing, where that is too little.
struct Rest {
  std::string_view bytes;

  template <typename T>
  bool record(T& value) {
    if (bytes.size() < sizeof(value)) return false;
    std::memcpy(&value, bytes.data(), sizeof(value));
    bytes.remove_prefix(sizeof(value));
    return true;
  }
  bool text(uint64_t size, std::string_view& value) {
    if (bytes.size() < size) return false;
    value = bytes.substr(0, static_cast<size_t>(size));
    bytes.remove_prefix(static_cast<size_t>(size));
    return true;
  }
};

}  // namespace thaw::session
