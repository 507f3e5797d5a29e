#include "fd/unix_peer.h"

namespace thaw::fd {

const Probe* find_socket(std::span<const Probe> probes, uint64_t inode) {
  for (const Probe& probe : probes)
    if (S_ISSOCK(probe.status.st_mode) && probe.status.st_ino == inode) return &probe;
  return nullptr;
}

Result<UnixSocket> own_state(const Probe& probe) {
  THAW_ASSIGN(state, unix_diag(probe.pid, probe.status.st_ino));
  if (!state)
    return refuse(probe, "is a unix socket that the kernel does not show",
                  "the kernel needs CONFIG_UNIX_DIAG");
  return *state;
}

Result<Other> find_other(std::span<const Probe> probes, const Probe& probe, const UnixSocket& own) {
  if (own.peer == 0) return Other::closed;
  THAW_ASSIGN(peer, unix_diag(probe.pid, own.peer));
  if (!peer) return Other::closed;
  if (find_socket(probes, own.peer) == nullptr) return Other::outside;
  // A bound datagram socket that many send to has no peer itself, or is its own.
  if (peer->peer == probe.status.st_ino && own.peer != probe.status.st_ino) return Other::paired;
  return peer->has_peer && own.peer != probe.status.st_ino ? Other::outside : Other::receiver;
}

}  // namespace thaw::fd
