// What programs name themselves by and size their pools by: the host's name, CPUs and memory, and
// the part of them that the process has. The same at the checkpoint and at a launch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "image/model.h"
#include "support/result.h"

namespace thaw::image {

/// The input `i` has these words: for a profile's inputs.ignore_machine, and for people.
struct MachineWords {
  const char* key;
  const char* what;
  const char* unit;
};
inline constexpr MachineWords kMachineWords[model::kMachineInputs] = {
    {"hostname", "the hostname", ""},
    {"cpus", "the number of CPUs that the caller may run on", ""},
    {"cpus", "the number of CPUs that are online", ""},
    {"cpus", "the CPU limit of the caller's cgroup", " %"},
    {"memory", "the machine's memory", " MB"},
    {"memory", "the memory limit of the caller's cgroup", " MB"},
};

/// As it is for this process now: a hash of the hostname; CPUs; percent of one CPU; megabytes. A
/// cgroup's limit that is above what the machine has is what the machine has.
uint64_t machine_value(model::MachineInput input);

/// Whether a program would size itself the same. Of the same memory, kernels leave more or less for
/// programs: what is less than a 32nd apart is the same.
bool same_machine_value(model::MachineInput input, uint64_t then, uint64_t now);

/// The file of /proc or /sys tells it; kMachineInputs: none.
uint32_t machine_input_of_file(std::string_view path);

std::string host_name();

}  // namespace thaw::image
