// What each child of ours was given when it executed its program.
#pragma once

#include <sys/types.h>

#include <optional>

#include "proc/given.h"

namespace thaw::spawn {

/// Kept from now on, until forget_given().
void remember_given(pid_t child, proc::Given given);
void forget_given(pid_t child);
/// Nothing of a process that we have not started.
std::optional<proc::Given> given_to(pid_t child);

}  // namespace thaw::spawn
