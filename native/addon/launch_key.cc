// launchKey(program, arguments): the name of a launch in the store's index; arguments null: any.
#include "addon/addon.h"
#include "exec/store.h"
#include "spawn/spawn.h"

namespace thaw::addon {

Napi::Value launch_key(const Napi::CallbackInfo& info) {
  const std::string program = info[0].ToString();
  if (info[1].IsNull())
    return Napi::String::New(info.Env(), exec::any_arguments_key(program.c_str()));
  std::vector<std::string> arguments = strings_of(info[1]);
  arguments.insert(arguments.begin(), program);
  return Napi::String::New(info.Env(),
                           exec::launch_key(program.c_str(), spawn::pointers(arguments).data()));
}

}  // namespace thaw::addon
