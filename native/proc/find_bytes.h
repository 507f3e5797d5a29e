// Where bytes stand in the memory of another process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"

namespace thaw::proc {

/// Addresses of `bytes` in private memory that the process can write, ascending. Found are those
/// aligned to 8 bytes.
Result<std::vector<uint64_t>> find_bytes(pid_t pid, const std::string& bytes);

}  // namespace thaw::proc
