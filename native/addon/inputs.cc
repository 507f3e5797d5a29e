// inputWatch(): an object for the `inputs` of spawn, which watches what files that process uses, and
// of checkpoint, which makes inputs of them. settleInputs(watch): the app is left alone from now on.
#include "addon/inputs.h"

#include "addon/addon.h"

namespace thaw::addon {

std::shared_ptr<inputs::Watch> input_watch_of(const Napi::Value& value) {
  return *value.As<Napi::External<std::shared_ptr<inputs::Watch>>>().Data();
}

Napi::Value input_watch(const Napi::CallbackInfo& info) {
  using Shared = std::shared_ptr<inputs::Watch>;
  return Napi::External<Shared>::New(info.Env(), new Shared(std::make_shared<inputs::Watch>()),
                                     [](Napi::Env, Shared* watch) { delete watch; });
}

Napi::Value settle_inputs(const Napi::CallbackInfo& info) {
  input_watch_of(info[0])->settle();
  return info.Env().Undefined();
}

}  // namespace thaw::addon
