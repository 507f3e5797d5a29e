// Which action of [[policies]] a descriptor gets.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// The `type` of [[policies]] that a user would look for, by the mode of what a descriptor refers
/// to.
policy::Type policy_type(mode_t mode);

/// The policy's action for what it knows as `name` (a path, a socket's address), Action::error
/// without one. Refuses an action that is not in `known`.
Result<Action> choose_action(const Collector&, const Probe&, policy::Type, const std::string& name,
                             const policy::Actions& known);

}  // namespace thaw::fd
