// verify(path, {data, fromStorage, root}): every condition of a launch, here or (as far as files
// tell) with another root file system, and on request the page data's checksum.
#include "addon/addon.h"
#include "image/verify_data.h"
#include "launch/check/check.h"
#include "launch/check/owner.h"
#include "launch/check/root.h"

namespace thaw::addon {

Napi::Value verify(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].ToString();
  const Napi::Object options =
      info[1].IsObject() ? info[1].As<Napi::Object>() : Napi::Object::New(env);
  const bool data = bool_option(options, "data");
  const bool from_storage = bool_option(options, "fromStorage");
  const std::string root = string_option(options, "root");
  Napi::Array problems = Napi::Array::New(env);
  auto report = [&](const char* condition, const Error& error) {
    Napi::Object problem = Napi::Object::New(env);
    problem.Set("condition", condition);
    problem.Set("what", error.what());
    problem.Set("remedy", error.remedy);
    problems.Set(problems.Length(), problem);
  };
  auto view = image::View::open(path.c_str());
  if (!view) {
    report("image", view.error());
  } else {
    if (auto owner = launch::check_owner(view.value().fd(), path.c_str()); !owner)
      report("owner", owner.error());
    if (root.empty())
      launch::check_all(view.value(), report);
    else
      launch::check_root(view.value(), root.c_str(), report);
    if (from_storage) image::forget_data(view.value());
    if (data)
      if (auto sound = image::verify_data(view.value()); !sound) report("page data", sound.error());
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("ok", problems.Length() == 0);
  result.Set("problems", problems);
  return result;
}

}  // namespace thaw::addon
