// Wayland's protocols as their XML tells them (wayland/tables.py makes the tables in each build).
#pragma once

#include <span>
#include <string_view>

namespace thaw::session::wayland {

/// A request or an event.
struct Signature {
  std::string_view name;
  /// A letter for each argument: i u f numbers, s string, o object, a array, h descriptor, n new
  /// object of the interface `made`, N one of an interface that is named before it; S a serial, T a
  /// time.
  std::string_view arguments;
  std::string_view made;
  bool destroys = false;
};

struct Interface {
  std::string_view name;
  std::span<const Signature> requests, events;  ///< by opcode
};

/// Null: thaw does not know it.
const Interface* find_interface(std::string_view name);

}  // namespace thaw::session::wayland
