// Whether an image can be launched here and now: each condition is one row of a table, checked in
// order.
#pragma once

#include <functional>

#include "image/view.h"
#include "support/result.h"

namespace thaw::launch {

/// The first condition that does not hold, as the reason for a cold start.
Result<void> check_launch(const image::View& view);

/// Every condition that does not hold (`thaw verify`).
void check_all(const image::View& view,
               const std::function<void(const char* condition, const Error&)>& report);

/// Succeeds if the file is the one that the image means, or a copy of it (image/known_file.h).
Result<void> check_file(const image::View& view, const model::File& file, int fd);

/// Owner and mode: never execute what another user could have written.
Result<void> check_owner(int fd, const char* path);

}  // namespace thaw::launch
