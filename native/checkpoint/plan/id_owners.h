// Whose ids an app's memory may hold, and who of several processes corrects those in memory that they
// share.
#pragma once

#include <optional>
#include <vector>

#include "checkpoint/capture.h"

namespace thaw::checkpoint {

/// Whose id a thread of the image's table has.
struct Owner {
  size_t process = 0;  ///< index in the image
  size_t thread = 0;   ///< within its process; 0: the id is the process's pid
};

/// In the order of the table.
std::vector<Owner> owners_of(const Capture& capture);

/// Where `process` has what another has at `address` of `vma`, which is shared memory.
std::optional<uint64_t> address_in(const ProcessCapture& process, const Vma& vma, uint64_t address);

/// Whether another process of the app maps all of that shared memory, and corrects the ids in it: the
/// first of those that can write to it.
bool is_corrected_by_other(const Capture& capture, const ProcessCapture& own, const Vma& vma);

}  // namespace thaw::checkpoint
