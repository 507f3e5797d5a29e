// What core dumps of an app of several processes hold (core(5)): set once, and inherited, where all have the same.
#pragma once

#include "image/view.h"
#include "restorer/members.h"

namespace thaw::launch {

/// In the root, before it forks; fills tree.callers_coredump_filter where it has been replaced.
void replace_coredump_filter(const image::View& view, restorer::Tree& tree);

}  // namespace thaw::launch
