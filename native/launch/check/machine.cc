#include "launch/check/machine.h"

#include <unistd.h>

#include <cstring>

#include "arch/arch.h"
#include "support/kernel.h"

namespace thaw::launch {

using image::View;

namespace {

arch::CpuFeatures needed_features(const View& view) {
  arch::CpuFeatures needed;
  memcpy(needed.words, view.requirements_record().cpu_features, sizeof(needed.words));
  return needed;
}

}  // namespace

Result<void> check_kernel(const View& view) {
  if (auto layout = check_memory_layout_call(); !layout) {
    THAW_TRY(check_not_emulated());  // The better reason, if it is one.
    return layout;
  }
  if (view.header().cpu != arch::kThisCpu.number) return {};
  if (const char* problem = arch::frame_problem(needed_features(view)))
    return Error{0, problem, "build the image with this kernel"};
  return {};
}

Result<void> check_cpu(const View& view) {
  if (view.header().cpu != arch::kThisCpu.number)
    return Error{0, std::string("the image is for another CPU than ") + arch::kThisCpu.name,
                 "build it for this one"};
  const std::string missing =
      arch::kThisCpu.missing_features(needed_features(view), arch::cpu_features());
  if (missing.empty()) return {};
  return Error{0, "this CPU lacks what the app was warmed up with (" + missing + ")",
               "build the image on the oldest CPU of the fleet"};
}

Result<void> check_page_size(const View& view) {
  const long size = sysconf(_SC_PAGESIZE);
  if (view.header().page_size == static_cast<uint32_t>(size)) return {};
  return Error{0,
               "the image was made with pages of " + std::to_string(view.header().page_size) +
                   " bytes, this kernel has " + std::to_string(size),
               "build it with this kernel"};
}

Result<void> check_processes(const View& view) {
  const auto processes = view.processes();
  if (processes.size() == 1) return {};
  for (const model::Process& process : processes) {
    if ((process.flags & (model::kKeepPid | model::kPidNamespace)) == model::kKeepPid)
      return Error{0, "the app has several processes, which cannot keep their ids",
                   "leave out keep_pid: a launch corrects what they keep of their ids"};
  }
  return {};
}

}  // namespace thaw::launch
