// What a checkpoint refuses of several processes that are one app, before anything is stopped.
#pragma once

#include <vector>

#include "proc/members.h"
#include "support/result.h"

namespace thaw::proc {

/// What stands between the members of a tree, each with its remedy. Nothing of a root alone.
std::vector<Error> tree_refusals(const Members& members, Ids ids);

}  // namespace thaw::proc
