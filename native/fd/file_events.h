// What inotify and fanotify share: events of files that wait to be read.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

/// Refuses a descriptor with events that the app has not read, which a launch would lose. `type`: of
/// the policies that speak for it.
Result<void> refuse_unread_events(const Probe& probe, policy::Type type);

/// An inotify descriptor that watches nothing: no event ever waits there.
Result<UniqueFd> open_without_watches(Opener&, const model::OpenFile& file);

}  // namespace thaw::fd
