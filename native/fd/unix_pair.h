// The queues of socket pairs, where messages carry what other kinds make: they are collected and filled
// when all of that is known.
#pragma once

#include <span>

#include "fd/peek_queue.h"

namespace thaw::fd {

/// What waits in the probe's socket, into its record (`out`), where that is a kUnixPair.
Result<void> collect_queue(Collector&, const Probe& probe, const UnixQueue& queue,
                           model::OpenFile& out);

/// Whether open() has left the queues of this socket and its peer empty, since descriptors are in flight
/// there.
bool is_filled_later(const image::View& view, const model::OpenFile& file);

/// Fills the queues of such a socket and its peer, and does what must come after that. `opened`: per
/// OpenFile, what open() has made.
Result<void> fill_queues(const image::View& view, std::span<const UniqueFd> opened,
                         std::span<Opener::Side> sides, model::Index index);

}  // namespace thaw::fd
