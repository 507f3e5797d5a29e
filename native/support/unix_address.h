// The address of a unix socket.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

namespace thaw {

/// As bind, connect and sendto take it.
struct UnixAddress {
  sockaddr_un address;
  socklen_t size;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// As systemd writes them: `path` begins with @ for an abstract one. Nothing for a path that is too long.
inline std::optional<UnixAddress> unix_address(std::string_view path) {
  UnixAddress made = {};
  made.address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(made.address.sun_path)) return std::nullopt;
  memcpy(made.address.sun_path, path.data(), path.size());
  const bool is_abstract = path.starts_with('@');
  if (is_abstract) made.address.sun_path[0] = '\0';
  // The name of an abstract one ends where the address does.
  const size_t end = is_abstract ? 0 : 1;
  made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + end);
  return made;
}

}  // namespace thaw
