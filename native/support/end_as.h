// Ending as another process has ended.
#pragma once

#include <cstdint>

namespace thaw {

/// Ends the calling process so that wait(2) tells `status` of it, but for a core dump: by the signal, or with the exit
/// status.
[[noreturn]] void end_as(uint32_t status);

}  // namespace thaw
