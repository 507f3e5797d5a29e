// What a runtime or a toolkit can be told so that it does without a state that an image cannot have.
#pragma once

#include <string_view>

namespace thaw::policy {

/// The end of a sentence that says how the app does without the file at `path`; empty: nothing is
/// known. Such files often hold the pid in their names: a policy would match no other build's.
std::string_view switch_against(std::string_view path);

}  // namespace thaw::policy
