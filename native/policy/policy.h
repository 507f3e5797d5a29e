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

/// What the rows say of some state.
struct Choice {
  Action action = Action::error;  ///< error: no row matches
  /// The row's path is the state's name, without wildcards. Else it may match more than was meant:
  /// it speaks only for what would be refused without it.
  bool by_name = false;
};

class Policies {
 public:
  std::vector<Policy> rows;

  /// For state of `type` called `name`.
  [[nodiscard]] Choice choose(Type type, const std::string& name) const;
  /// The action alone.
  [[nodiscard]] Action find(Type type, const std::string& name) const {
    return choose(type, name).action;
  }
};

/// The end of a remedy: "set", and lines that can be pasted into a profile as they stand, the other
/// actions in a comment. Nothing can follow them in their line. An empty `path` stands for any.
std::string suggestion(Type type, std::string_view path, const Actions& actions);

}  // namespace thaw::policy
