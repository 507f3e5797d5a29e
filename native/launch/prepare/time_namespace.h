// Time goes forward: CLOCK_MONOTONIC and CLOCK_BOOTTIME never run backwards for the app
// (time_namespaces(7)).
#pragma once

#include "image/view.h"
#include "support/result.h"
#include "support/unique_fd.h"

namespace thaw::launch {

/// Fails if the clocks stand before the image's and no time namespace can be had.
Result<void> check_clock(const image::View& view);

/// A time namespace that continues the clocks of the checkpoint, where privileges allow; the
/// process must have one thread. `before` is the namespace to go back to for a cold start, invalid
/// if none was entered.
Result<void> continue_clocks(const image::View& view, UniqueFd& before);

/// Enters a time namespace whose clocks begin near zero, where privileges allow; else nothing
/// changes. An image of an app that was started there can be launched in every later boot, however
/// soon after its start. The process must have one thread.
void start_clocks_afresh();

}  // namespace thaw::launch
