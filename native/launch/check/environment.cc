#include "launch/check/environment.h"

#include <cstring>

#include "image/environment.h"

namespace thaw::launch {

using image::View;

namespace {

/// The caller's variable, "NAME=value"; null without one.
const char* callers(const ExecCall& call, std::string_view name) {
  for (char* const* entry = call.envp; *entry != nullptr; ++entry)
    if (image::name_of(*entry) == name && (*entry)[name.size()] == '=') return *entry;
  return nullptr;
}

Error differs(std::string_view name, bool image_has, bool caller_has) {
  const char* how = !caller_has ? " is set in the image, not by the caller"
                    : image_has ? " has another value than in the image"
                                : " is set by the caller, not in the image";
  return Error{0, "the environment variable " + std::string(name) + how,
               "build with the caller's environment (thaw build --like-unit, --like-env), or see "
               "launch.env and launch.ignore_env in the profile"};
}

Result<void> check_variable(std::string_view warm, const ExecCall& call, std::string_view name) {
  const std::string_view before = image::find_variable(warm, name);
  const char* now = callers(call, name);
  if (now == nullptr ? before.empty() : before == now) return {};
  return differs(name, !before.empty(), now != nullptr);
}

/// Whether the warm state may depend on the variable.
bool is_input(const View& view, std::string_view name) {
  const model::Requirements& needs = view.requirements_record();
  if (image::is_listed(view.bytes(needs.ignored), name)) return false;
  return needs.environment_rule == model::EnvironmentRule::all ||
         image::is_listed(view.bytes(needs.inputs), name);
}

Result<void> check_inputs(const View& view, const ExecCall& call) {
  const std::string_view warm = view.bytes(view.requirements_record().environment);
  auto check = [&](std::string_view entry) -> Result<void> {
    const std::string_view name = image::name_of(entry);
    return is_input(view, name) ? check_variable(warm, call, name) : Result<void>();
  };
  for (char* const* entry = call.envp; *entry != nullptr; ++entry) THAW_TRY(check(*entry));
  for (const std::string_view entry : image::Strings(warm)) THAW_TRY(check(entry));
  return {};
}

/// The app keeps the environment of the warm-up: a caller that sets another value for what the
/// profile declares wants another app.
Result<void> check_declared(const View& view, const ExecCall& call) {
  const std::string_view declared = view.bytes(view.requirements_record().declared);
  for (const std::string_view entry : image::Strings(declared)) {
    const std::string_view name = image::name_of(entry);
    const char* now = callers(call, name);
    if (now != nullptr && entry != now) return differs(name, true, true);
  }
  return {};
}

}  // namespace

const char* callers_value(const ExecCall& call, const char* name) {
  const char* entry = callers(call, name);
  return entry == nullptr ? nullptr : entry + strlen(name) + 1;
}

Result<void> check_environment(const View& view, const ExecCall& call) {
  switch (view.requirements_record().environment_rule) {
    case model::EnvironmentRule::image:
      return check_declared(view, call);
    case model::EnvironmentRule::all:
    case model::EnvironmentRule::looked_up:
      return check_inputs(view, call);
    case model::EnvironmentRule::deliver:
      return {};
  }
  return {};
}

}  // namespace thaw::launch
