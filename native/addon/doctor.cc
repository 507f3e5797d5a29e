// doctor(pid?): what this kernel, device or process can and cannot do. checkKernel(): throws where
// nothing can be checkpointed at all. checkProcess(pid): throws what a checkpoint of it would refuse
// at first sight.
#include "doctor/doctor.h"

#include "addon/addon.h"
#include "proc/check_supported.h"
#include "support/kernel.h"

namespace thaw::addon {

Napi::Value doctor(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array checks = Napi::Array::New(env);
  auto add = [&](const doctor::Finding& finding) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", finding.name);
    row.Set("ok", finding.ok);
    row.Set("detail", finding.detail);
    row.Set("remedy", finding.remedy);
    checks.Set(checks.Length(), row);
  };
  for (const doctor::Finding& finding : doctor::examine_system()) add(finding);
  if (info[0].IsNumber())
    for (const doctor::Finding& finding : doctor::examine_process(info[0].ToNumber().Int32Value()))
      add(finding);
  return checks;
}

Napi::Value check_kernel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  for (const auto& result :
       {check_not_emulated(), check_proc(), check_memory_layout_call(), check_tracing()})
    if (!result) throw to_js(env, result.error());
  return env.Undefined();
}

Napi::Value check_process(const Napi::CallbackInfo& info) {
  if (auto result = proc::check_supported(info[0].ToNumber().Int32Value()); !result)
    throw to_js(info.Env(), result.error());
  return info.Env().Undefined();
}

}  // namespace thaw::addon
