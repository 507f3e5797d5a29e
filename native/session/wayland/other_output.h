// A compositor whose output is another than in the warm-up: of other size, at another place.
#pragma once

#include <deque>
#include <string>

#include "session/wayland/script.h"

namespace thaw::session::wayland {

/// The same conversation, in which the output is asked for last: what is told of it, then, comes to
/// the app as a change. Refers to the script that it was made from.
class OtherOutput {
 public:
  explicit OtherOutput(const Script& script);
  [[nodiscard]] const Script& script() const { return script_; }

 private:
  void keep_place(Request& request);

  Script script_;
  std::deque<std::string> bytes_;
};

}  // namespace thaw::session::wayland
