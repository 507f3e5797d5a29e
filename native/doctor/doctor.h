// What this kernel, this user and a process allow thaw to do, and what to change.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace thaw::doctor {

struct Finding {
  std::string name;
  bool ok = false;
  std::string detail;
  std::string remedy;  ///< empty where there is nothing to change
};

std::vector<Finding> examine_system();
/// What a checkpoint of the process would refuse, without stopping it.
std::vector<Finding> examine_process(pid_t pid);

}  // namespace thaw::doctor
