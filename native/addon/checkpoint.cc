// checkpoint(options): runs in a worker thread, because ptrace binds a tracee to the thread that
// seized it.
#include "checkpoint/checkpoint.h"

#include <map>

#include "addon/addon.h"

namespace thaw::addon {
namespace {

policy::Action action_of(const std::string& name) {
  static const std::map<std::string, policy::Action> kActions = {
      {"error", policy::Action::error},   {"reopen", policy::Action::reopen},
      {"close", policy::Action::close},   {"ignore", policy::Action::ignore},
      {"append", policy::Action::append}, {"reconnect", policy::Action::reconnect}};
  const auto found = kActions.find(name);
  return found == kActions.end() ? policy::Action::error : found->second;
}

policy::Policies policies_of(const Napi::Object& options) {
  policy::Policies policies;
  const Napi::Value value = options.Get("policies");
  if (!value.IsArray()) return policies;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto row = array.Get(i).As<Napi::Object>();
    policies.rows.push_back({string_option(row, "type"), string_option(row, "path"),
                             action_of(string_option(row, "action"))});
  }
  return policies;
}

checkpoint::Request parse(const Napi::Object& options) {
  checkpoint::Request request;
  request.pid = options.Get("pid").ToNumber().Int32Value();
  request.image = string_option(options, "image");
  request.leave_running = bool_option(options, "leaveRunning");
  request.policies = policies_of(options);
  request.program = string_option(options, "program");
  request.arguments = strings_option(options, "args");
  request.environment = strings_option(options, "env");
  request.cwd = string_option(options, "cwd");
  request.deliver_arguments = bool_option(options, "deliver");
  request.profile = string_option(options, "profile");
  for (const std::string& number : strings_option(options, "inherit"))
    request.inherit.push_back(std::stoi(number));
  const std::string call = string_option(options, "callAddress");
  if (!call.empty()) request.call_address = std::stoull(call, nullptr, 16);
  request.guards_off = strings_option(options, "guardsOff");
  return request;
}

class CheckpointWorker : public Napi::AsyncWorker {
 public:
  CheckpointWorker(Napi::Env env, checkpoint::Request request)
      : AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        request_(std::move(request)) {}
  Napi::Promise promise() { return deferred_.Promise(); }

 protected:
  void Execute() override {
    auto report = checkpoint::checkpoint(request_);
    if (report)
      report_ = report.take();
    else
      error_ = report.error(), failed_ = true;
  }
  void OnOK() override {
    if (failed_) return deferred_.Reject(to_js(Env(), error_).Value());
    Napi::Object result = Napi::Object::New(Env());
    result.Set("imageSize", static_cast<double>(report_.image_size));
    result.Set("storedBytes", static_cast<double>(report_.stored_bytes));
    result.Set("threads", report_.threads);
    result.Set("mappings", report_.mappings);
    result.Set("descriptors", report_.descriptors);
    result.Set("ops", report_.ops);
    result.Set("frozenMs", report_.frozen_ms);
    deferred_.Resolve(result);
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  checkpoint::Request request_;
  checkpoint::Report report_;
  Error error_;
  bool failed_ = false;
};

}  // namespace

Napi::Value checkpoint(const Napi::CallbackInfo& info) {
  auto* worker = new CheckpointWorker(info.Env(), parse(info[0].As<Napi::Object>()));
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace thaw::addon
