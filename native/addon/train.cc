// faultRecorder(): an object for the `faults` of spawn, which records the page faults of that
// process. workingSet(path, pid, recorder): what a launched app has touched of its image, for
// setWorkingSet(path, set), which changes the image: no process may have it mapped then. It answers
// what became of the order of its pages.
#include "addon/addon.h"
#include "addon/fault_recorder.h"
#include "image/hot_order.h"
#include "training/working_set.h"

namespace thaw::addon {
namespace {

using WorkingSet = std::vector<model::FeedRun>;

Result<WorkingSet> record(const std::string& path, pid_t pid,
                          const training::FaultRecorder& recorder) {
  THAW_ASSIGN(view, image::View::open(path.c_str()));
  return training::working_set(view, pid, recorder.faults());
}

}  // namespace

training::FaultRecorder* fault_recorder_of(const Napi::Value& value) {
  return value.As<Napi::External<training::FaultRecorder>>().Data();
}

Napi::Value fault_recorder(const Napi::CallbackInfo& info) {
  return Napi::External<training::FaultRecorder>::New(
      info.Env(), new training::FaultRecorder,
      [](Napi::Env, training::FaultRecorder* recorder) { delete recorder; });
}

Napi::Value working_set(const Napi::CallbackInfo& info) {
  const std::string path = info[0].ToString();
  auto runs = record(path, info[1].ToNumber().Int32Value(), *fault_recorder_of(info[2]));
  if (!runs) throw to_js(info.Env(), runs.error());
  return Napi::External<WorkingSet>::New(info.Env(), new WorkingSet(runs.take()),
                                         [](Napi::Env, WorkingSet* set) { delete set; });
}

const char* name_of(image::PageOrder order) {
  switch (order) {
    case image::PageOrder::kept:
      return "kept";
    case image::PageOrder::first:
      return "first";
    case image::PageOrder::no_room:
      break;
  }
  return "no room";
}

Napi::Value set_working_set(const Napi::CallbackInfo& info) {
  const std::string path = info[0].ToString();
  const WorkingSet& set = *info[1].As<Napi::External<WorkingSet>>().Data();
  auto order = image::put_working_set_first(path, set);
  if (!order) throw to_js(info.Env(), order.error());
  return Napi::String::New(info.Env(), name_of(order.value()));
}

}  // namespace thaw::addon
