// The table of protocols.
#include "session/dbus/dbus.h"
#include "session/protocol.h"
#include "session/wayland/wayland.h"

namespace thaw::session {
namespace {

#ifdef THAW_LAUNCH_ONLY
#define THAW_RECORDER(function) nullptr
#else
#define THAW_RECORDER(function) function
#endif

/// Next id: 3.
constexpr Protocol kProtocols[] = {
    {1, "D-Bus", dbus::begins, THAW_RECORDER(dbus::record), dbus::validate, dbus::play},
    {2, "Wayland", wayland::begins, THAW_RECORDER(wayland::record), wayland::validate,
     wayland::play},
};

}  // namespace

const Protocol* find_protocol(uint32_t id) {
  for (const Protocol& protocol : kProtocols)
    if (protocol.id == id) return &protocol;
  return nullptr;
}

const Protocol* protocol_of(std::string_view first_bytes) {
  for (const Protocol& protocol : kProtocols)
    if (protocol.begins(first_bytes)) return &protocol;
  return nullptr;
}

}  // namespace thaw::session
