#include "fd/protocols.h"

#include <fnmatch.h>

#include <string>

namespace thaw::fd {
namespace {

constexpr const char* kDisplay =
    "checkpoint before the app connects to its display: warmup.until = { call = true } with "
    "thaw_checkpoint() of native/include/thaw.h before the toolkit is started";
constexpr const char* kBus =
    "checkpoint before the app connects to the bus, or let it connect again after a launch; a name "
    "on the bus that it does not need is switched off in the app (GIO: DBUS_SESSION_BUS_ADDRESS)";
constexpr const char* kAudio = "let the app open its sound after the checkpoint";

struct Row {
  const char* pattern;  ///< of fnmatch(3), on the address; '@' begins abstract names
  Protocol protocol;
};

constexpr Row kRows[] = {
    {"*/wayland-[0-9]*", {"a Wayland compositor", kDisplay}},
    {"*/.X11-unix/X[0-9]*", {"an X server", kDisplay}},
    {"127.0.0.1:60[0-9][0-9]", {"an X server", kDisplay}},
    {"*/dbus/system_bus_socket", {"the system bus", kBus}},
    {"*/system_bus_socket", {"the system bus", kBus}},
    {"/run/user/*/bus", {"the session bus", kBus}},
    {"*/dbus-*", {"a bus", kBus}},
    {"*/at-spi/bus*", {"the accessibility bus", kBus}},
    {"*/pulse/native", {"a PulseAudio server", kAudio}},
    {"*/pipewire-[0-9]*", {"a PipeWire server", kAudio}},
    {"*/jack_*", {"a JACK server", kAudio}},
};

}  // namespace

const Protocol* stateful_protocol(std::string_view peer) {
  const std::string name(peer);
  for (const Row& row : kRows)
    if (fnmatch(row.pattern, name.c_str(), 0) == 0) return &row.protocol;
  return nullptr;
}

}  // namespace thaw::fd
