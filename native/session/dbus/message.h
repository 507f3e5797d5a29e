// Messages as D-Bus puts them on the wire ("Message Protocol" of its specification).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace thaw::session::dbus {

enum class Type : uint8_t { call = 1, answer, error, signal };
constexpr uint8_t kNoReplyExpected = 1;
constexpr std::string_view kBus = "org.freedesktop.DBus";

/// The strings lie in the bytes that were parsed.
struct Message {
  Type type = Type::call;
  bool little_endian = true;
  uint8_t flags = 0;
  uint32_t serial = 0, reply_serial = 0, unix_fds = 0;
  std::string_view path, interface, member, error, destination, sender, signature, body;
  size_t size = 0;  ///< in bytes, all of it

  /// The body's first value, where it is a string.
  [[nodiscard]] std::optional<std::string_view> first_string() const;
};

enum class Parsed { whole, partial, broken };

/// Of the message that `bytes` begin with.
Parsed parse(std::string_view bytes, Message& message);

/// A call of the bus's own with a string.
std::string make_call(uint32_t serial, std::string_view member, std::string_view argument);

}  // namespace thaw::session::dbus
