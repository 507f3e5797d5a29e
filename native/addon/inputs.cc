// inputWatch(): an object for the `inputs` of spawn, which watches what files that process uses, and
// of checkpoint, which makes inputs of them. settleInputs(watch): the app is left alone from now on. sessionsAtRest(watch): nothing is under way between it and a server.
// inputWatch({ awaited: { syscalls, path, address, hold } }): it holds the app at that call, if
// `hold`, and callReached(watch) tells that it has come.
// inputWatch({ keepsPids }): a launch has the pids that the app's processes get.
// inputWatch({ policies }): where one of them has the action `replay`, it records conversations.
#include "addon/inputs.h"

#include <algorithm>

#include "addon/addon.h"
#include "addon/policies.h"
#include "arch/call_names.h"

namespace thaw::addon {
namespace {

inputs::AwaitedCall awaited_of(const Napi::Object& options) {
  inputs::AwaitedCall call;
  std::string name;
  for (const std::string& each : strings_option(options, "syscalls")) {
    name = each;
    if (const long number = arch::call_number(each); number >= 0) call.numbers.push_back(number);
  }
  call.path = string_option(options, "path");
  call.address = string_option(options, "address");
  call.hold = bool_option(options, "hold");
  if (call.numbers.empty())
    throw to_js(
        options.Env(),
        Error{0, std::string("this CPU has no system call '") + name + "'",
              std::string("see syscalls(2); newer CPUs lack the older calls: AArch64 has ") +
                  "openat for open"});
  if (!call.path.empty() && !inputs::takes_path(call.numbers.front()))
    throw to_js(options.Env(),
                Error{0, "thaw knows of no path that the system call '" + name + "' takes",
                      "leave warmup.until.syscall.path out"});
  return call;
}

std::shared_ptr<session::Relay> relay_of(policy::Policies policies) {
  const bool replays =
      std::any_of(policies.rows.begin(), policies.rows.end(),
                  [](const policy::Policy& row) { return row.action == policy::Action::replay; });
  return replays ? std::make_shared<session::Relay>(std::move(policies)) : nullptr;
}

}  // namespace

std::shared_ptr<inputs::Watch> input_watch_of(const Napi::Value& value) {
  return *value.As<Napi::External<std::shared_ptr<inputs::Watch>>>().Data();
}

Napi::Value input_watch(const Napi::CallbackInfo& info) {
  using Shared = std::shared_ptr<inputs::Watch>;
  inputs::AwaitedCall awaited;
  std::shared_ptr<session::Relay> relay;
  bool keeps_pids = false;
  if (info[0].IsObject()) {
    const auto options = info[0].As<Napi::Object>();
    const Napi::Value call = options.Get("awaited");
    if (call.IsObject()) awaited = awaited_of(call.As<Napi::Object>());
    relay = relay_of(policies_of(options));
    keeps_pids = bool_option(options, "keepsPids");
  }
  return Napi::External<Shared>::New(
      info.Env(),
      new Shared(std::make_shared<inputs::Watch>(awaited, std::move(relay), keeps_pids)),
      [](Napi::Env, Shared* watch) { delete watch; });
}

Napi::Value settle_inputs(const Napi::CallbackInfo& info) {
  input_watch_of(info[0])->settle();
  return info.Env().Undefined();
}

Napi::Value sessions_at_rest(const Napi::CallbackInfo& info) {
  const auto& relay = input_watch_of(info[0])->relay();
  return Napi::Boolean::New(info.Env(), relay == nullptr || relay->is_at_rest());
}

Napi::Value call_reached(const Napi::CallbackInfo& info) {
  auto reached = input_watch_of(info[0])->reached();
  if (!reached) throw to_js(info.Env(), reached.error());
  return Napi::Boolean::New(info.Env(), reached.value());
}

}  // namespace thaw::addon
