#include "policy/policy.h"

#include <fnmatch.h>

namespace thaw::policy {
namespace {

constexpr const char* kNames[] = {"error", "reopen", "close", "ignore", "append", "reconnect"};

/// `path` as an fnmatch pattern that matches only itself.
std::string literal_pattern(std::string_view path) {
  std::string pattern;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

/// `text` as a TOML basic string.
std::string toml_string(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\u00";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

const char* action_name(Action action) {
  const auto index = static_cast<size_t>(action);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

std::optional<Action> parse_action(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (name == kNames[i]) return static_cast<Action>(i);
  return std::nullopt;
}

Action Policies::find(std::string_view type, const std::string& name) const {
  for (const Policy& row : rows) {
    if (!row.type.empty() && row.type != type) continue;
    // As with find -path, '*' crosses '/': one row can speak for a whole directory tree.
    if (!row.path.empty() && fnmatch(row.path.c_str(), name.c_str(), 0) != 0) continue;
    return row.action;
  }
  return Action::error;
}

std::string suggestion(std::string_view type, std::string_view path, std::string_view actions) {
  const size_t bar = actions.find('|');
  std::string text = "set [[policies]] type = " + toml_string(type);
  if (!path.empty()) text += ", path = " + toml_string(literal_pattern(path));
  text += ", action = " + toml_string(actions.substr(0, bar));
  if (bar == std::string_view::npos) return text;
  text += " (or ";
  for (const char c : actions.substr(bar + 1)) {
    if (c == '|')
      text += ", ";
    else
      text += c;
  }
  return text + ')';
}

}  // namespace thaw::policy
