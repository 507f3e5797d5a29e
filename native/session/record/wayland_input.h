// Input: what the compositor tells of it is of its moment, and names serials that another launch has
// not. So an app is told of its devices in the warm-up, but of nothing that happens with them, and a
// launch asks for the devices last: who has the focus then is told to the app as something new.
#pragma once

#include <string_view>

namespace thaw::session::wayland {

/// Events that the relay keeps from the app.
bool is_withheld(std::string_view interface, std::string_view event);

/// Whether a launch makes objects of that interface after all others.
bool is_late(std::string_view interface);

}  // namespace thaw::session::wayland
