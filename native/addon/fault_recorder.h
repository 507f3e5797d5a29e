// A training::FaultRecorder in JavaScript's hands.
#pragma once

#include <napi.h>

#include "training/fault_recorder.h"

namespace thaw::addon {

/// The recorder in a value that faultRecorder() made.
training::FaultRecorder* fault_recorder_of(const Napi::Value& value);

}  // namespace thaw::addon
