#include "launch/check/check.h"

#include "launch/check/caller.h"
#include "launch/check/clocks.h"
#include "launch/check/credentials.h"
#include "launch/check/descriptors.h"
#include "launch/check/environment.h"
#include "launch/check/files.h"
#include "launch/check/inputs.h"
#include "launch/check/machine.h"
#include "launch/check/machine_inputs.h"
#include "launch/check/own_filters.h"
#include "launch/check/pid_files.h"
#include "launch/check/pid_namespace.h"

namespace thaw::launch {
namespace {

struct Condition {
  const char* name;
  Result<void> (*check)(const image::View&);
};

constexpr Condition kConditions[] = {
    {"kernel", check_kernel},  // First: what emulates a kernel emulates another CPU, too.
    {"cpu", check_cpu},
    {"page size", check_page_size},
    {"processes", check_processes},
    {"pid namespace", check_pid_namespace},
    {"user", check_user},
    {"credentials", check_credentials},
    {"filters", check_own_filters},
    {"program", check_program},
    {"security context", check_security_label},
    {"descriptors", check_descriptors},
    {"clock", check_clocks},
};

}  // namespace

Result<void> check_image(const image::View& view) {
  for (const Condition& condition : kConditions) THAW_TRY(condition.check(view));
  return {};
}

Result<void> check_launch(image::View& view, const ExecCall& call) {
  THAW_TRY(check_capabilities());
  if (call.check_signature != nullptr) THAW_TRY(call.check_signature(view, call.image));
  THAW_TRY(check_image(view));
  THAW_TRY(check_group(view));
  THAW_TRY(check_arguments(view, call));
  THAW_TRY(check_folder(view, call));
  THAW_TRY(check_environment(view, call));
  THAW_TRY(check_descriptor_limit(view));
  THAW_TRY(check_pid_files(view));
  return check_machine_inputs(view);
}

void check_all(const image::View& view,
               const std::function<void(const char*, const Error&)>& report) {
  for (const Condition& condition : kConditions)
    if (auto result = condition.check(view); !result) report(condition.name, result.error());
  check_machine_inputs(view, [&report](const Error& error) { report("input", error); });
  check_inputs(view, [&report](const Error& error) { report("input", error); });
  check_files(view, [&report](const Error& error) { report("file", error); });
}

}  // namespace thaw::launch
