// An inputs::Watch in JavaScript's hands.
#pragma once

#include <napi.h>

#include <memory>

#include "inputs/watch.h"

namespace thaw::addon {

/// The watch in a value that inputWatch() made.
std::shared_ptr<inputs::Watch> input_watch_of(const Napi::Value& value);

}  // namespace thaw::addon
