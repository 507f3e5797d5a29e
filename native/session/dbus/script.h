// The script of a conversation with a bus, as an image holds it: the calls that a launch makes, each
// with its answer, and where the app keeps the name that the bus has given it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::session::dbus {

/// A call to the bus.
struct Step {
  std::string_view request;  ///< the message as the app sent it
  /// Of the answer:
  bool answered = false;  ///< false: none is sent
  bool is_error = false;  ///< then `name` is that of the error
  bool own_name = false;  ///< it is the name that the bus has given, and nothing else
  std::string_view name, signature, body;
};

/// A string of its own in the app's memory that holds the name, with `room` bytes.
struct Place {
  uint64_t address = 0;
  uint64_t room = 0;
};

struct Script {
  bool passes_fds = false;  ///< NEGOTIATE_UNIX_FD
  std::vector<Step> steps;
  std::vector<Place> places;
};

std::string write_script(const Script& script);

/// Whether the bytes are a script. What it holds lies in `bytes`.
bool read_script(std::string_view bytes, Script& script);

}  // namespace thaw::session::dbus
