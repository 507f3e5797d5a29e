#include "fd/protocols.h"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr const char* kDisplay =
    "checkpoint before the app connects to its display: warmup.until = { connect = \"wayland-0\" } "
    "or the socket's absolute path, or { call = true } with thaw_checkpoint() of "
    "native/include/thaw.h "
    "before the toolkit is started";
constexpr const char* kScreen =
    "checkpoint before the app connects to its display: warmup.until = { connect = "
    "\"/tmp/.X11-unix/X0\" } or the address that is named here, or { call = true } with "
    "thaw_checkpoint() of native/include/thaw.h before the toolkit is started";
constexpr const char* kBus =
    "checkpoint before the app connects to the bus: warmup.until = { connect = "
    "\"/run/user/1000/bus\" } with the socket's own absolute path; or let it connect again after a "
    "launch; a name "
    "on the bus that it does not need is switched off in the app (GIO: DBUS_SESSION_BUS_ADDRESS)";
constexpr const char* kAudio =
    "let the app open its sound after the checkpoint: warmup.until = { connect = "
    "\"/run/user/1000/pulse/native\" } with the address that is named here, or { call = true } "
    "with thaw_checkpoint() of native/include/thaw.h before it does";

constexpr Protocol kWayland = {"a Wayland compositor", kDisplay, true};
constexpr Protocol kX = {"an X server", kScreen, false};
constexpr Protocol kSystemBus = {"the system bus", kBus, true};
constexpr Protocol kSessionBus = {"the session bus", kBus, true};
constexpr Protocol kAccessibilityBus = {"the accessibility bus", kBus, true};
constexpr Protocol kPulse = {"a PulseAudio server", kAudio, false};
constexpr Protocol kPipeWire = {"a PipeWire server", kAudio, false};

struct Row {
  const char* pattern;  ///< of fnmatch(3), on the address; '@' begins abstract names
  Protocol protocol;
};

constexpr Row kRows[] = {
    {"*/wayland-[0-9]*", kWayland},
    {"*/.X11-unix/X[0-9]*", kX},
    {"127.0.0.1:60[0-5][0-9]", kX},  // forwarded by ssh, say; other hosts: is_x_display
    {"127.0.0.1:606[0-3]", kX},
    {"\\[::1]:60[0-5][0-9]", kX},
    {"\\[::1]:606[0-3]", kX},
    {"\\[::ffff:127.0.0.1]:60[0-5][0-9]", kX},
    {"\\[::ffff:127.0.0.1]:606[0-3]", kX},
    {"*/system_bus_socket", kSystemBus},
    {"/run/user/*/bus", kSessionBus},
    {"*/dbus-*", {"a bus", kBus, true}},
    {"*/at-spi/bus*", kAccessibilityBus},
    {"*/pulse/native", kPulse},
    {"*/pipewire-[0-9]*", kPipeWire},
    {"*/jack_*", {"a JACK server", kAudio, false}},
};

/// Servers may have any address: the variable of their clients has it.
constexpr struct {
  std::string_view variable;
  Protocol protocol;
} kVariables[] = {
    {"WAYLAND_DISPLAY", kWayland},
    {"DBUS_SESSION_BUS_ADDRESS", kSessionBus},
    {"DBUS_SYSTEM_BUS_ADDRESS", kSystemBus},
    {"AT_SPI_BUS_ADDRESS", kAccessibilityBus},
    {"PULSE_SERVER", kPulse},
    {"PIPEWIRE_REMOTE", kPipeWire},
};

constexpr std::string_view kLogs[] = {
    "/dev/log",
    "/run/systemd/journal/dev-log",
    "/run/systemd/journal/socket",
    "/run/systemd/journal/syslog",
};

/// Of what a process was started with (/proc/PID/environ); empty: not set, or set to nothing.
std::string_view variable_of(std::string_view environment, std::string_view name) {
  for (std::string_view rest = environment; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
      return one.substr(name.size() + 1);
  }
  return {};
}

/// Whether a variable's value has this address: a name in $XDG_RUNTIME_DIR; a path, or what follows the kind of the address
/// ("unix:path=/run/bus,guid=1;tcp:...", "{machine}unix:/run/pulse tcp:host:4713").
bool has_address(std::string_view value, std::string_view peer) {
  if (value.empty()) return false;
  if (value.find('/') == value.npos && peer.ends_with("/" + std::string(value))) return true;
  const std::string_view own = peer.starts_with('@') ? peer.substr(1) : peer;
  if (own.empty()) return false;
  for (size_t at = value.find(own); at != value.npos; at = value.find(own, at + 1)) {
    const size_t end = at + own.size();
    const bool begins = at == 0 || std::string_view("=:;} ").find(value[at - 1]) != value.npos;
    const bool ends = end == value.size() || std::string_view(",; ").find(value[end]) != value.npos;
    if (begins && ends) return true;
  }
  return false;
}

/// "host:N" or "host:N.SCREEN" is port 6000 + N of that host, whose name says nothing of its address.
bool is_x_display(std::string_view peer, std::string_view display) {
  constexpr unsigned kFirstPort = 6000, kLastPort = 65535;
  const size_t colon = display.rfind(':');
  if (colon == display.npos || colon == 0) return false;
  unsigned number = 0;
  const char* end = display.data() + display.size();
  if (std::from_chars(display.data() + colon + 1, end, number).ec != std::errc()) return false;
  return number <= kLastPort - kFirstPort &&
         peer.ends_with(':' + std::to_string(kFirstPort + number));
}

}  // namespace

const Protocol* stateful_protocol(std::string_view peer, pid_t pid) {
  const std::string name(peer);
  for (const Row& row : kRows)
    if (fnmatch(row.pattern, name.c_str(), 0) == 0) return &row.protocol;
  const auto read = read_file("/proc/" + std::to_string(pid) + "/environ");
  const std::string_view environment = read ? std::string_view(read.value()) : "";
  for (const auto& [variable, protocol] : kVariables)
    if (has_address(variable_of(environment, variable), peer)) return &protocol;
  const std::string folder(variable_of(environment, "XDG_RUNTIME_DIR"));
  if (!folder.empty() && peer == folder + "/bus")
    return &kSessionBus;  // where no variable names it
  const bool is_address_of_host = peer.find('/') == peer.npos && !peer.starts_with('@');
  return is_address_of_host && is_x_display(peer, variable_of(environment, "DISPLAY")) ? &kX
                                                                                       : nullptr;
}

bool is_log(std::string_view peer) {
  return std::ranges::find(kLogs, peer) != std::end(kLogs);
}

}  // namespace thaw::fd
