// The command line of thaw-exec.
#pragma once

#include "support/result.h"

namespace thaw::exec {

struct Options {
  const char* store = nullptr;    ///< --store DIR
  const char* profile = nullptr;  ///< --profile NAME
  const char* image = nullptr;    ///< --image FILE
  bool fallback = true;           ///< --no-fallback
  bool keep_pid = false;          ///< --keep-pid
  bool any_inputs = false;        ///< launch::kAnyInputs
  bool help = false, version = false;
  const char* time_namespace = nullptr;  ///< launch::kLeaveTimeNamespace
  char** command = nullptr;              ///< PROGRAM [ARGS...], ended by null
};

extern const char* const kUsage;

/// The error is a usage error.
Result<Options> parse_options(int argc, char** argv);

}  // namespace thaw::exec
