// The files that the app was warmed up with: they must be the same ones, or copies of them.
#pragma once

#include <functional>
#include <string>

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// Succeeds if the file is the one that the image means, or a copy of it (image/known_file.h).
Result<void> check_file(const image::View& view, const model::File& file, int fd);

/// The program's file, and that no exec of it would give privileges, which no image may carry.
Result<void> check_program(const image::View& view);

/// Fails for a program that is set-user-id, set-group-id or has file capabilities: exec alone may
/// start it. `path` names it in the message.
Result<void> check_privilege(const std::string& path, int fd);

/// Looks at every file that the app maps or keeps open, and reports each that is not the image's.
void check_files(const image::View& view, const std::function<void(const Error&)>& report);

}  // namespace thaw::launch
