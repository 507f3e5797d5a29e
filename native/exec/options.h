// The command line of thaw-exec.
#pragma once

#include <optional>
#include <string>

#include "support/result.h"

namespace thaw::exec {

struct Options {
  std::optional<std::string> store;  ///< --store DIR, as often as given, with a colon between two
  const char* profile = nullptr;     ///< --profile NAME
  const char* image = nullptr;       ///< --image FILE
  bool fallback = true;              ///< --no-fallback
  bool keep_pid = false;             ///< --keep-pid
  bool notify = false;               ///< --notify
  bool any_inputs = false;           ///< launch::kAnyInputs
  bool help = false, version = false;
  const char* time_namespace = nullptr;  ///< launch::kLeaveTimeNamespace
  char** command = nullptr;              ///< PROGRAM [ARGS...], ended by null

  /// Null: not given.
  [[nodiscard]] const char* stores() const { return store ? store->c_str() : nullptr; }
};

extern const char* const kUsage;

/// The error is a usage error.
Result<Options> parse_options(int argc, char** argv);

}  // namespace thaw::exec
