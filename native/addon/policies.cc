#include "addon/policies.h"

#include "addon/addon.h"

namespace thaw::addon {
namespace {

/// "error, reopen, ...".
template <typename Table>
std::string list_of(const Table& table) {
  std::string list;
  for (const std::string_view name : table) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

policy::Action action_of(Napi::Env env, const std::string& name) {
  if (const auto action = policy::parse_action(name)) return *action;
  throw to_js(env, Error{0, "no policy has the action '" + name + "'",
                         "known are " + list_of(policy::kActions)});
}

std::optional<policy::Type> type_of(Napi::Env env, const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (const auto type = policy::parse_type(name)) return type;
  throw to_js(env, Error{0, "no policy has the type '" + name + "'",
                         "known are " + list_of(policy::kTypes)});
}

}  // namespace

policy::Policies policies_of(const Napi::Object& options) {
  policy::Policies policies;
  const Napi::Value value = options.Get("policies");
  if (!value.IsArray()) return policies;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto row = array.Get(i).As<Napi::Object>();
    policies.rows.push_back({type_of(row.Env(), string_option(row, "type")),
                             string_option(row, "path"),
                             action_of(row.Env(), string_option(row, "action"))});
  }
  return policies;
}

}  // namespace thaw::addon
