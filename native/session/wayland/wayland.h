// Wayland, between an app and a compositor: the app's objects are made again with the same ids, and
// the last buffer of each surface is shown before the app runs.
#pragma once

#include <memory>
#include <string_view>

#include "session/protocol.h"

namespace thaw::session::wayland {

bool begins(std::string_view first_bytes);
std::unique_ptr<Recorder> record();
const char* validate(std::string_view script, const Writable& writable);
Result<void> play(Playing& playing);

}  // namespace thaw::session::wayland
