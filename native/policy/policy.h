// [[policies]] of a profile: what to do with state that is not replay-safe by itself. First match
// wins.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/action.h"

namespace thaw::policy {

struct Policy {
  std::optional<Type> type;  ///< nullopt: any
  /// fnmatch pattern on the state's name (path, or socket address); empty: any.
  std::string path;
  Action action = Action::error;
};

class Policies {
 public:
  std::vector<Policy> rows;

  /// The action for state of `type` called `name`; Action::error when nothing matches.
  [[nodiscard]] Action find(Type type, const std::string& name) const;
};

/// The end of a remedy: the TOML that would allow it, as it can be pasted into a profile, with the
/// other actions in a comment. An empty `path` stands for any.
std::string suggestion(Type type, std::string_view path, const Actions& actions);

}  // namespace thaw::policy
