// vocabulary(): the words that the launcher shares with the engine, from the engine's own tables.
// test/launcher/engine.test.ts compares the launcher's constants with them.
#include "addon/addon.h"
#include "arch/cpus.h"
#include "image/format.h"
#include "launch/check/filter.h"
#include "policy/action.h"
#include "restorer/log.h"

namespace thaw::addon {
namespace {

const char* const kCpuNames[] = {
#define THAW_NAME(folder) arch::folder::kCpu.name,
    THAW_CPUS(THAW_NAME)
#undef THAW_NAME
};

template <typename Table>
Napi::Array names(Napi::Env env, const Table& table) {
  Napi::Array result = Napi::Array::New(env);
  for (const auto& name : table) result.Set(result.Length(), std::string(name));
  return result;
}

Napi::Array calls(Napi::Env env) {
  Napi::Array result = Napi::Array::New(env);
  launch::each_call(nullptr, [&](const char* when, const char* name) {
    Napi::Object call = Napi::Object::New(env);
    call.Set("when", when);
    call.Set("name", name);
    result.Set(result.Length(), call);
  });
  return result;
}

}  // namespace

Napi::Value vocabulary(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  result.Set("policyActions", names(env, policy::kActions));
  result.Set("policyTypes", names(env, policy::kTypes));
  result.Set("cpus", names(env, kCpuNames));
  result.Set("phases", names(env, restorer::kPhaseNames));
  result.Set("logLevels", names(env, restorer::kLogLevels));
  result.Set("calls", calls(env));
  result.Set("imageVersion", image::kVersion);
  return result;
}

}  // namespace thaw::addon
