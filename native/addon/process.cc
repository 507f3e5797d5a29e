// spawn(), wait(), end() and exec(): native/spawn for JavaScript.
#include "addon/addon.h"
#include "addon/background.h"
#include "addon/fault_recorder.h"
#include "addon/inputs.h"
#include "lookups/watch.h"
#include "spawn/spawn.h"

namespace thaw::addon {
namespace {

spawn::User user_of(const Napi::Object& object) {
  spawn::User user;
  user.uid = object.Get("uid").ToNumber().Uint32Value();
  user.gid = object.Get("gid").ToNumber().Uint32Value();
  for (const std::string& group : strings_option(object, "groups"))
    user.groups.push_back(static_cast<gid_t>(std::stoul(group)));
  return user;
}

spawn::Request request_of(const Napi::Object& options) {
  spawn::Request request;
  request.program = {string_option(options, "program"), strings_option(options, "args"),
                     strings_option(options, "env")};
  request.cwd = string_option(options, "cwd");
  request.new_session = bool_option(options, "setsid");
  request.fresh_clocks = bool_option(options, "freshClocks");
  request.kept = bool_option(options, "kept");
  request.unusual_pid = bool_option(options, "unusualPid");
  request.large_pid = bool_option(options, "largePid");
  request.open_input = bool_option(options, "openInput");
  request.terminal = bool_option(options, "terminal");
  if (const Napi::Value stdio = options.Get("stdio"); stdio.IsArray())
    for (uint32_t i = 0; i < 3; ++i)
      request.stdio[i] = stdio.As<Napi::Array>().Get(i).ToNumber().Int32Value();
  if (const Napi::Value user = options.Get("user"); user.IsObject())
    request.user = user_of(user.As<Napi::Object>());
  if (const Napi::Value faults = options.Get("faults"); faults.IsExternal())
    // Where the kernel does not let us, the order of use stays unknown.
    request.before_exec = [recorder = fault_recorder_of(faults)](pid_t pid) {
      (void)recorder->attach(pid).ok();
    };
  const bool look_ups = bool_option(options, "watchLookups");
  if (const Napi::Value watch = options.Get("inputs"); watch.IsExternal()) {
    request.before_exec = [watch = input_watch_of(watch), look_ups](pid_t pid) {
      watch->attach(pid, look_ups);
    };
  } else if (look_ups) {
    // Where it cannot be watched, all variables are inputs.
    request.before_exec = [](pid_t pid) { (void)lookups::begin_watch(pid).ok(); };
    request.on_exec = lookups::install_watch;
  }
  return request;
}

}  // namespace

Napi::Value spawn(const Napi::CallbackInfo& info) {
  auto pid = spawn::spawn(request_of(info[0].As<Napi::Object>()));
  if (!pid) throw to_js(info.Env(), pid.error());
  return Napi::Number::New(info.Env(), pid.value());
}

Napi::Value wait(const Napi::CallbackInfo& info) {
  const pid_t pid = info[0].ToNumber().Int32Value();
  return Background<spawn::Exit>::promise(
      info.Env(), [pid] { return spawn::wait(pid); },
      [](Napi::Env env, const spawn::Exit& exit) {
        Napi::Object result = Napi::Object::New(env);
        const Napi::Value status = Napi::Number::New(env, exit.status);
        result.Set("code", exit.by_signal ? env.Null() : status);
        result.Set("signal", exit.by_signal ? status : env.Null());
        return result;
      });
}

Napi::Value end(const Napi::CallbackInfo& info) {
  const pid_t pid = info[0].ToNumber().Int32Value();
  return Background<pid_t>::promise(
      info.Env(),
      [pid]() -> Result<pid_t> {
        spawn::end(pid);
        return pid;
      },
      [](Napi::Env env, const pid_t&) { return env.Undefined(); });
}

Napi::Value exec(const Napi::CallbackInfo& info) {
  std::vector<int> inherit;
  for (const std::string& number : strings_of(info[3])) inherit.push_back(std::stoi(number));
  throw to_js(
      info.Env(),
      spawn::become({info[0].ToString(), strings_of(info[1]), strings_of(info[2])}, inherit));
}

}  // namespace thaw::addon
