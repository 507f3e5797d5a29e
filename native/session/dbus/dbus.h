// D-Bus, between an app and a message bus: authentication by the kernel's credentials (EXTERNAL),
// Hello, match rules, names, and what the app has asked the bus.
#pragma once

#include <memory>
#include <string_view>

#include "session/protocol.h"

namespace thaw::session::dbus {

bool begins(std::string_view first_bytes);
std::unique_ptr<Recorder> record();
const char* validate(std::string_view script, const Writable& writable);
Result<void> play(Playing& playing);

}  // namespace thaw::session::dbus
