// train(path, pid): records the working set of a launched app in its image.
#include "addon/addon.h"
#include "image/writer.h"
#include "training/working_set.h"

namespace thaw::addon {
namespace {

Result<std::vector<model::FeedRun>> record(const std::string& path, pid_t pid) {
  THAW_ASSIGN(view, image::View::open(path.c_str()));
  return training::working_set(view, pid);
}

}  // namespace

Napi::Value train(const Napi::CallbackInfo& info) {
  const std::string path = info[0].ToString();
  auto runs = record(path, info[1].ToNumber().Int32Value());
  if (!runs) throw to_js(info.Env(), runs.error());
  if (auto written = image::set_working_set(path, runs.take()); !written)
    throw to_js(info.Env(), written.error());
  return info.Env().Undefined();
}

}  // namespace thaw::addon
