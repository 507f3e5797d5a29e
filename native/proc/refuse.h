// The words of a refusal that concerns a whole process.
#pragma once

#include <sys/types.h>

#include <string>

#include "support/result.h"

namespace thaw::proc {

/// "process 123 has ..."
inline Error refuse(pid_t pid, const std::string& what, std::string remedy = {}) {
  return Error{0, "process " + std::to_string(pid) + " " + what, std::move(remedy)};
}

}  // namespace thaw::proc
