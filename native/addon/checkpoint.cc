// checkpoint(options): runs in a worker thread, because ptrace binds a tracee to the thread that
// seized it.
#include "checkpoint/checkpoint.h"

#include "addon/addon.h"
#include "addon/background.h"
#include "addon/inputs.h"
#include "addon/policies.h"
#include "checkpoint/survey.h"
#include "spawn/given.h"

namespace thaw::addon {
namespace {

checkpoint::Request parse(const Napi::Object& options) {
  checkpoint::Request request;
  request.pid = options.Get("pid").ToNumber().Int32Value();
  request.image = string_option(options, "image");
  request.leave_running = bool_option(options, "leaveRunning");
  request.policies = policies_of(options);
  request.program = string_option(options, "program");
  request.arguments = strings_option(options, "args");
  request.environment = strings_option(options, "env");
  request.started_with = strings_option(options, "startedWith");
  request.environment_rule = string_option(options, "environmentRule");
  request.ignored_variables = strings_option(options, "ignoredVariables");
  request.cwd = string_option(options, "cwd");
  request.any_folder = bool_option(options, "anyFolder");
  request.clocks_jump = bool_option(options, "clocksJump");
  request.deliver_arguments = bool_option(options, "deliver");
  request.profile = string_option(options, "profile");
  for (const std::string& number : strings_option(options, "inherit"))
    request.inherit.push_back(std::stoi(number));
  const std::string call = string_option(options, "callAddress");
  if (!call.empty()) request.call_address = std::stoull(call, nullptr, 16);
  request.keep_pid = bool_option(options, "keepPid");
  request.pid_namespace = bool_option(options, "pidNamespace");
  request.user_namespace = bool_option(options, "userNamespace");
  request.given = spawn::given_to(request.pid);
  const Napi::Value guard = options.Get("guard");
  if (guard.IsObject()) {
    request.guard_tries = guard.As<Napi::Object>().Get("tries").ToNumber().Uint32Value();
    request.guard_within_ms = guard.As<Napi::Object>().Get("withinMs").ToNumber().Uint32Value();
  }
  if (const Napi::Value layouts = options.Get("layouts"); layouts.IsNumber())
    request.layouts = layouts.ToNumber().Uint32Value();
  request.guards_off = strings_option(options, "guardsOff");
  return request;
}

/// What a profile says of inputs, and who has watched them.
struct Inputs {
  std::shared_ptr<inputs::Watch> watch;
  inputs::Rules rules;
};

Inputs inputs_of(const Napi::Object& options) {
  const Napi::Value value = options.Get("inputs");
  if (!value.IsObject()) return {};
  const auto object = value.As<Napi::Object>();
  return {input_watch_of(object.Get("watch")),
          {strings_option(object, "ignore"), strings_option(object, "add"),
           strings_option(object, "ignoreMachine"), string_option(object, "rootIdentity")}};
}

/// Nearly all of the fingerprints are made, and what they are of is read, while the app is watched still.
class InputTaker {
 public:
  InputTaker(const Inputs& given, checkpoint::Request& request)
      : watch_(given.watch), rules_(given.rules), request_(request), fingerprinter_(given.rules) {}

  checkpoint::Watched begin() {
    if (watch_ == nullptr) return {};
    auto inputs = fingerprinter_.inputs(watch_->findings(), request_.pid);
    if (inputs) request_.inputs = std::move(inputs.value());
    request_.relay = watch_->relay();
    return {[this] { return end(); }, [this] { return complete(); }};
  }

 private:
  Result<void> end() {
    THAW_ASSIGN(findings, watch_->finish());
    findings_ = std::move(findings);
    request_.held = findings_.held;
    return {};
  }

  Result<void> complete() {
    THAW_ASSIGN(inputs, fingerprinter_.inputs(findings_, request_.pid));
    THAW_ASSIGN(root, inputs::root_of(rules_, inputs));
    request_.root = std::move(root);
    request_.input_rules = rules_;
    request_.inputs = std::move(inputs);
    request_.watched = true;
    request_.machine = inputs::machine_inputs(findings_, rules_);
    request_.calls = std::move(findings_.calls);
    request_.host_name = findings_.host_name;
    request_.host_name_used = findings_.host_name_used;
    return {};
  }

  std::shared_ptr<inputs::Watch> watch_;
  const inputs::Rules& rules_;
  checkpoint::Request& request_;
  inputs::Fingerprinter fingerprinter_;
  inputs::Findings findings_;
};

Napi::Value report_to_js(Napi::Env env, const checkpoint::Report& report) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("imageSize", static_cast<double>(report.image_size));
  result.Set("storedBytes", static_cast<double>(report.stored_bytes));
  result.Set("threads", report.threads);
  result.Set("mappings", report.mappings);
  result.Set("descriptors", report.descriptors);
  result.Set("ops", report.ops);
  result.Set("frozenMs", report.frozen_ms);
  Napi::Array warnings = Napi::Array::New(env);
  for (const std::string& warning : report.warnings) warnings.Set(warnings.Length(), warning);
  result.Set("warnings", warnings);
  return result;
}

}  // namespace

Napi::Value checkpoint(const Napi::CallbackInfo& info) {
  const auto options = info[0].As<Napi::Object>();
  return Background<checkpoint::Report>::promise(
      info.Env(),
      [request = parse(options),
       inputs = inputs_of(options)]() mutable -> Result<checkpoint::Report> {
        InputTaker taker(inputs, request);
        return checkpoint::checkpoint(request, taker.begin());
      },
      report_to_js);
}

/// survey(pid): what a checkpoint without policies would refuse, as rows of doctor().
Napi::Value survey(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  checkpoint::Request request;
  request.pid = info[0].ToNumber().Int32Value();
  Napi::Array rows = Napi::Array::New(env);
  const std::vector<Error> found = checkpoint::survey(request);
  const std::string name = "process " + std::to_string(request.pid);
  auto add = [&](bool ok, const std::string& detail, const std::string& remedy) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", name);
    row.Set("ok", ok);
    row.Set("detail", detail);
    row.Set("remedy", remedy);
    rows.Set(rows.Length(), row);
  };
  for (const Error& error : found) add(false, error.what(), error.remedy);
  if (found.empty()) add(true, "nothing that a checkpoint would refuse as it is now", "");
  return rows;
}

}  // namespace thaw::addon
