// store, ownStores(), launchKey(program, arguments, folder), deaths(image, stores): the rules of the store, which the launcher
// writes.
#include "store/store.h"

#include "addon/addon.h"
#include "spawn/spawn.h"
#include "store/deaths.h"

namespace thaw::addon {

Napi::Object store_layout(Napi::Env env) {
  Napi::Object layout = Napi::Object::New(env);
  layout.Set("profiles", store::kProfiles);
  layout.Set("index", store::kIndex);
  layout.Set("current", store::kCurrent);
  layout.Set("deaths", store::kDeaths);
  layout.Set("goodSign", store::kGoodSign);
  layout.Set("rebuild", store::kRebuild);
  layout.Set("system", store::kSystemStore);
  layout.Set("requireSignature", store::kRequireSignature);
  layout.Set("requireVerity", store::kRequireVerity);
  return layout;
}

Napi::Value own_stores(const Napi::CallbackInfo& info) {
  const std::vector<std::string> stores = store::split(store::own_stores());
  Napi::Array array = Napi::Array::New(info.Env(), stores.size());
  for (uint32_t i = 0; i < stores.size(); ++i) array.Set(i, stores[i]);
  return array;
}

/// isReadOnly(path)
Napi::Value is_read_only(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), store::is_read_only(info[0].ToString()));
}

/// isNoExec(path)
Napi::Value is_no_exec(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), store::is_no_exec(info[0].ToString()));
}

/// Arguments null: the entry for any arguments; an empty folder: for any folder.
Napi::Value launch_key(const Napi::CallbackInfo& info) {
  const std::string program = info[0].ToString();
  const std::string folder = info[2].ToString();
  if (info[1].IsNull())
    return Napi::String::New(info.Env(), store::launch_key({program.c_str(), nullptr, folder}));
  std::vector<std::string> arguments = strings_of(info[1]);
  arguments.insert(arguments.begin(), program);
  const std::vector<char*> argv = spawn::pointers(arguments);
  return Napi::String::New(info.Env(), store::launch_key({program.c_str(), argv.data(), folder}));
}

/// deaths(image, stores): what its record says of early deaths.
Napi::Value deaths(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string image = info[0].ToString(), stores = info[1].ToString();
  const std::string record = store::deaths_path(image, stores.c_str());
  const store::Deaths deaths =
      record.empty() ? store::Deaths() : store::read_deaths(record.c_str());
  Napi::Object result = Napi::Object::New(env);
  result.Set("record", record);
  result.Set("count", deaths.count);
  result.Set("last", deaths.count == 0 ? "" : store::text_of(deaths.last).bytes);
  return result;
}

}  // namespace thaw::addon
