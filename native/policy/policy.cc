#include "policy/policy.h"

#include <fnmatch.h>

namespace thaw::policy {
namespace {

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

std::string_view action_name(Action action) {
  const auto index = static_cast<size_t>(action);
  return index < std::size(kActions) ? kActions[index] : "unknown";
}

std::string_view type_name(Type type) {
  return kTypes[static_cast<size_t>(type)];
}

std::optional<Action> parse_action(std::string_view name) {
  for (size_t i = 0; i < std::size(kActions); ++i)
    if (name == kActions[i]) return static_cast<Action>(i);
  return std::nullopt;
}

std::optional<Type> parse_type(std::string_view name) {
  for (size_t i = 0; i < std::size(kTypes); ++i)
    if (name == kTypes[i]) return static_cast<Type>(i);
  return std::nullopt;
}

Action Policies::find(Type type, const std::string& name) const {
  for (const Policy& row : rows) {
    if (row.type && *row.type != type) continue;
    // As with find -path, '*' crosses '/': one row can speak for a whole directory tree.
    if (!row.path.empty() && fnmatch(row.path.c_str(), name.c_str(), 0) != 0) continue;
    return row.action;
  }
  return Action::error;
}

std::string suggestion(Type type, std::string_view path, const Actions& actions) {
  constexpr const char* kLine = "\n    ";
  std::string text = "set in the profile:";
  auto add = [&text](std::initializer_list<std::string_view> parts) {
    text += kLine;
    for (const std::string_view part : parts) text += part;
  };
  const auto rows = actions.rows();
  add({"[[policies]]"});
  add({"type = ", toml_string(type_name(type))});
  if (!path.empty()) add({"path = ", toml_string(literal_pattern(path))});
  add({"action = ", toml_string(action_name(rows.front()))});
  const char* before = "  # or ";
  for (const Action action : rows.subspan(1)) {
    text += before + toml_string(action_name(action));
    before = ", ";
  }
  return text;
}

}  // namespace thaw::policy
