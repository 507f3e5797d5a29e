// [[policies]] of a profile, as JavaScript gives them.
#pragma once

#include <napi.h>

#include "policy/policy.h"

namespace thaw::addon {

/// `policies` of an object; none where it has none. Throws on words that no policy has.
policy::Policies policies_of(const Napi::Object& options);

}  // namespace thaw::addon
