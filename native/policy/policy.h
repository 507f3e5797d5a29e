// [[policies]] of a profile: what to do with state that is not replay-safe by itself. First match
// wins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::policy {

enum class Action : uint32_t { error = 0, reopen, close, ignore, append, reconnect };

struct Policy {
  std::string type;  ///< file, directory, fifo, socket, pipe, device, mapping, inotify; empty: any
  std::string
      path;  ///< fnmatch pattern on the descriptor's name (path, or socket address); empty: any
  Action action = Action::error;
};

class Policies {
 public:
  std::vector<Policy> rows;

  /// The action for state of `type` called `name`; Action::error when nothing matches.
  [[nodiscard]] Action find(std::string_view type, const std::string& name) const;
};

/// "append", as profiles spell it.
const char* action_name(Action);

/// The action that profiles spell so.
std::optional<Action> parse_action(std::string_view);

/// The TOML that would allow it, for error messages: `[[policies]] type = "file", path = "...",
/// action = "append"`. `actions` are separated by '|', the likeliest first; an empty `path` stands
/// for any.
std::string suggestion(std::string_view type, std::string_view path, std::string_view actions);

}  // namespace thaw::policy
