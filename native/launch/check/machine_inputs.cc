#include "launch/check/machine_inputs.h"

#include "image/machine.h"

namespace thaw::launch {
namespace {

using image::View;
using model::MachineInput;

/// The caller's part of the machine, which another build changes only if it is made in the same.
bool is_callers(MachineInput input) {
  return input == MachineInput::allowed_cpus || input == MachineInput::cpu_limit ||
         input == MachineInput::memory_limit;
}

/// Another build changes nothing in what comes and goes: devices take CPUs off line to save power.
bool is_stale(MachineInput input) {
  return !is_callers(input) && input != MachineInput::online_cpus;
}

Error differs(const View& view, MachineInput input, uint64_t then, uint64_t now) {
  const auto& [key, what, unit] = image::kMachineWords[static_cast<uint32_t>(input)];
  const bool name = input == MachineInput::host_name;
  auto told = [suffix = unit](uint64_t value) { return std::to_string(value) + suffix; };
  const std::string was =
      name ? std::string(view.bytes(view.requirements_record().host_name)) : told(then);
  const std::string is = name ? image::host_name() : told(now);
  return Error{0, std::string(what) + " is " + is + ", and was " + was + " when the image was made",
               std::string("build the profile again under the conditions of the launch, or set "
                           "inputs.ignore_machine = [\"") +
                   key + "\"] in the profile",
               is_stale(input)};
}

Result<void> check(const View& view, uint32_t index) {
  const model::Machine& machine = view.requirements_record().machine;
  if ((machine.asked & 1u << index) == 0) return {};
  const auto input = static_cast<MachineInput>(index);
  const uint64_t then = machine.values[index], now = image::machine_value(input);
  if (image::same_machine_value(input, then, now)) return {};
  return differs(view, input, then, now);
}

}  // namespace

Result<void> check_machine_inputs(const View& view) {
  for (uint32_t i = 0; i < model::kMachineInputs; ++i) THAW_TRY(check(view, i));
  return {};
}

void check_machine_inputs(const View& view, const std::function<void(const Error&)>& report) {
  for (uint32_t i = 0; i < model::kMachineInputs; ++i)
    if (!is_callers(static_cast<MachineInput>(i)))
      if (auto result = check(view, i); !result) report(result.error());
}

}  // namespace thaw::launch
