#include "session/dbus/message.h"

#include <cstring>

namespace thaw::session::dbus {
namespace {

constexpr size_t kFixed = 16;                // Up to the array of header fields, its size included.
constexpr uint32_t kMostFields = 1u << 26;   // Of the specification.
constexpr uint32_t kMostMessage = 1u << 27;  // Of the specification.

enum Field : uint8_t {
  kPath = 1,
  kInterface,
  kMember,
  kErrorName,
  kReplySerial,
  kDestination,
  kSender,
  kSignature,
  kUnixFds,
};

constexpr size_t aligned(size_t at, size_t to) {
  return (at + to - 1) / to * to;
}

uint32_t swapped(uint32_t value, bool little_endian) {
  return little_endian ? value : __builtin_bswap32(value);
}

/// Of this CPU's byte order, which is that of all CPUs that thaw knows.
uint32_t word(std::string_view bytes, size_t at, bool little_endian) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return swapped(value, little_endian);
}

/// What of a header is still to be read; `at` counts from the message's begin.
struct Reader {
  std::string_view bytes;
  bool little_endian;
  size_t at = kFixed;

  bool number(uint32_t& value) {
    at = aligned(at, 4);
    if (at + 4 > bytes.size()) return false;
    value = word(bytes, at, little_endian);
    at += 4;
    return true;
  }
  /// `size` bytes and a NUL.
  bool text(size_t size, std::string_view& value) {
    if (size >= bytes.size() || at > bytes.size() - size - 1) return false;
    value = bytes.substr(at, size);
    if (bytes[at + size] != '\0' || value.find('\0') != value.npos) return false;
    at += size + 1;
    return true;
  }
  bool string(std::string_view& value) {
    uint32_t size = 0;
    return number(size) && text(size, value);
  }
  bool short_string(std::string_view& value) {
    if (at >= bytes.size()) return false;
    const auto size = static_cast<uint8_t>(bytes[at++]);
    return text(size, value);
  }
};

bool read_value(Reader& reader, uint8_t field, char type, Message& message) {
  std::string_view ignored;
  uint32_t ignored_number = 0;
  switch (type) {
    case 's':
    case 'o': {
      std::string_view& place = field == kPath          ? message.path
                                : field == kInterface   ? message.interface
                                : field == kMember      ? message.member
                                : field == kErrorName   ? message.error
                                : field == kDestination ? message.destination
                                : field == kSender      ? message.sender
                                                        : ignored;
      return reader.string(place);
    }
    case 'g':
      return reader.short_string(field == kSignature ? message.signature : ignored);
    case 'u':
      return reader.number(field == kReplySerial ? message.reply_serial
                           : field == kUnixFds   ? message.unix_fds
                                                 : ignored_number);
    default:
      return false;  // Of no field that there is.
  }
}

bool read_fields(Reader& reader, Message& message) {
  while (reader.at < reader.bytes.size()) {
    reader.at = aligned(reader.at, 8);
    if (reader.at >= reader.bytes.size()) return false;
    const auto field = static_cast<uint8_t>(reader.bytes[reader.at++]);
    std::string_view type;
    if (!reader.short_string(type) || type.size() != 1 ||
        !read_value(reader, field, type[0], message))
      return false;
  }
  return true;
}

void append_word(std::string& to, uint32_t value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_field(std::string& to, uint8_t field, char type, std::string_view value) {
  to.resize(aligned(to.size(), 8), '\0');
  to.push_back(static_cast<char>(field));
  to.push_back(1);
  to.push_back(type);
  to.push_back('\0');
  append_word(to, static_cast<uint32_t>(value.size()));
  to.append(value);
  to.push_back('\0');
}

}  // namespace

std::optional<std::string_view> Message::first_string() const {
  if (signature.empty() || signature[0] != 's' || body.size() < 5) return std::nullopt;
  const uint32_t size = word(body, 0, little_endian);
  if (size > body.size() - 5 || body[4 + size] != '\0') return std::nullopt;
  return body.substr(4, size);
}

Parsed parse(std::string_view bytes, Message& message) {
  message = {};
  if (bytes.empty()) return Parsed::partial;
  if (bytes[0] != 'l' && bytes[0] != 'B') return Parsed::broken;
  if (bytes.size() < kFixed) return Parsed::partial;
  message.little_endian = bytes[0] == 'l';
  const auto type = static_cast<uint8_t>(bytes[1]);
  const uint32_t body = word(bytes, 4, message.little_endian);
  const uint32_t fields = word(bytes, 12, message.little_endian);
  if (type < 1 || type > 4 || bytes[3] != 1 || fields > kMostFields || body > kMostMessage)
    return Parsed::broken;
  message.type = static_cast<Type>(type);
  message.flags = static_cast<uint8_t>(bytes[2]);
  message.serial = word(bytes, 8, message.little_endian);
  const size_t header = aligned(kFixed + fields, 8);
  message.size = header + body;
  if (message.size > kMostMessage || message.serial == 0) return Parsed::broken;
  if (bytes.size() < message.size) return Parsed::partial;
  message.body = bytes.substr(header, body);
  Reader reader = {bytes.substr(0, kFixed + fields), message.little_endian};
  return read_fields(reader, message) ? Parsed::whole : Parsed::broken;
}

std::string make_call(uint32_t serial, std::string_view member, std::string_view argument) {
  std::string body;
  append_word(body, static_cast<uint32_t>(argument.size()));
  body.append(argument);
  body.push_back('\0');
  std::string bytes = {'l', static_cast<char>(Type::call), 0, 1};
  append_word(bytes, static_cast<uint32_t>(body.size()));
  append_word(bytes, serial);
  append_word(bytes, 0);
  append_field(bytes, kPath, 'o', "/org/freedesktop/DBus");
  append_field(bytes, kInterface, 's', kBus);
  append_field(bytes, kMember, 's', member);
  append_field(bytes, kDestination, 's', kBus);
  bytes.resize(aligned(bytes.size(), 8), '\0');
  bytes.append({static_cast<char>(kSignature), 1, 'g', 0, 1, 's', 0});
  const auto fields = static_cast<uint32_t>(bytes.size() - kFixed);
  std::memcpy(bytes.data() + 12, &fields, sizeof(fields));
  bytes.resize(aligned(bytes.size(), 8), '\0');
  return bytes + body;
}

}  // namespace thaw::session::dbus
