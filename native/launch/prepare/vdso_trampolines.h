// Trampolines: the app's old vDSO with every entry jumping to this kernel's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "support/result.h"

namespace thaw::launch {

/// A copy of `old_vdso`, to stand at `old_address`, whose functions jump to those of the same name
/// in `new_vdso`, which stands at `new_address`; a function that the new kernel lacks makes the
/// system call.
Result<std::vector<uint8_t>> vdso_trampolines(std::span<const uint8_t> old_vdso,
                                              std::span<const uint8_t> new_vdso,
                                              uint64_t old_address, uint64_t new_address);

}  // namespace thaw::launch
