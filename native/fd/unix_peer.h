// Who stands at the other end of a connected unix socket.
#pragma once

#include <span>

#include "fd/probe.h"
#include "fd/unix_diag.h"

namespace thaw::fd {

/// The probe of the socket with that inode, or null.
const Probe* find_socket(std::span<const Probe> probes, uint64_t inode);

/// What the kernel tells of the probe's own socket.
Result<UnixSocket> own_state(const Probe& probe);

enum class Other { closed, paired, receiver, outside };

/// `own`: the state of the probe's socket, which has a peer or had one. `probes`: the app's.
Result<Other> find_other(std::span<const Probe> probes, const Probe& probe, const UnixSocket& own);

}  // namespace thaw::fd
