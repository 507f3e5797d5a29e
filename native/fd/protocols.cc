#include "fd/protocols.h"

#include <fnmatch.h>

#include <algorithm>
#include <string>

#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr const char* kDisplay =
    "checkpoint before the app connects to its display: warmup.until = { call = true } with "
    "thaw_checkpoint() of native/include/thaw.h before the toolkit is started";
constexpr const char* kBus =
    "checkpoint before the app connects to the bus, or let it connect again after a launch; a name "
    "on the bus that it does not need is switched off in the app (GIO: DBUS_SESSION_BUS_ADDRESS)";
constexpr const char* kAudio = "let the app open its sound after the checkpoint";

constexpr Protocol kWayland = {"a Wayland compositor", kDisplay};

struct Row {
  const char* pattern;  ///< of fnmatch(3), on the address; '@' begins abstract names
  Protocol protocol;
};

constexpr Row kRows[] = {
    {"*/wayland-[0-9]*", kWayland},
    {"*/.X11-unix/X[0-9]*", {"an X server", kDisplay}},
    {"[!/@]*:60[0-5][0-9]", {"an X server", kDisplay}},  // on any host
    {"[!/@]*:606[0-3]", {"an X server", kDisplay}},
    {"*/dbus/system_bus_socket", {"the system bus", kBus}},
    {"*/system_bus_socket", {"the system bus", kBus}},
    {"/run/user/*/bus", {"the session bus", kBus}},
    {"*/dbus-*", {"a bus", kBus}},
    {"*/at-spi/bus*", {"the accessibility bus", kBus}},
    {"*/pulse/native", {"a PulseAudio server", kAudio}},
    {"*/pipewire-[0-9]*", {"a PipeWire server", kAudio}},
    {"*/jack_*", {"a JACK server", kAudio}},
};

/// Compositors may have any name: the variable has it, or the whole path.
bool is_wayland_display(std::string_view peer, pid_t pid) {
  const auto variables = read_file("/proc/" + std::to_string(pid) + "/environ");
  if (!variables) return false;
  constexpr std::string_view kDisplayIs = "WAYLAND_DISPLAY=";
  for (std::string_view rest = variables.value(); !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (!one.starts_with(kDisplayIs)) continue;
    const std::string_view name = one.substr(kDisplayIs.size());
    if (name.empty()) return false;
    return peer == name || peer.ends_with('/' + std::string(name));
  }
  return false;
}

}  // namespace

const Protocol* stateful_protocol(std::string_view peer, pid_t pid) {
  const std::string name(peer);
  for (const Row& row : kRows)
    if (fnmatch(row.pattern, name.c_str(), 0) == 0) return &row.protocol;
  return peer.find('/') != peer.npos && is_wayland_display(peer, pid) ? &kWayland : nullptr;
}

}  // namespace thaw::fd
