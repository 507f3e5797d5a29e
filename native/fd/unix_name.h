// The name that a unix socket is bound to: a file with mode and owner, or an abstract name.
#pragma once

#include "fd/socket.h"
#include "fd/unix_diag.h"

namespace thaw::fd {

/// The socket file of a bound unix socket, besides its path.
struct UnixName {
  uint32_t is_file = 0;          ///< 0: abstract or unnamed
  uint32_t unlinked = 0;         ///< 1: the app has removed the file already
  uint32_t mode = 0;             ///< permission bits
  uint32_t descriptor_mode = 0;  ///< what fstat says; fchmod changes it, not the file
  uint32_t uid = 0;
  uint32_t gid = 0;
};

/// Whether the record's numbers are possible.
inline bool valid_name(const UnixName& name) {
  return name.is_file <= 1 && name.unlinked <= 1 && name.mode <= 07777 &&
         name.descriptor_mode <= 07777;
}

/// Looks at the file that `address` names. Refuses if another socket's file stands there now.
Result<UnixName> collect_unix_name(const Probe& probe, const SocketAddress& address,
                                   const UnixSocket& socket);

/// A relative name is bound in the caller's folder: an app that has moved to another one must be
/// launched there.
Result<void> check_folder_of_name(const Opener&, const SocketRecord& record);

/// Binds as the app did: name, mode, owner. A socket file that nobody listens on any more is
/// replaced.
Result<void> bind_unix(int fd, const SocketRecord& record, const UnixName& name);

/// Removes the file again if the app had removed it; to be called when the socket listens.
Result<void> finish_unix_name(const SocketRecord& record, const UnixName& name);

/// Removes the file that `fd`, a descriptor made by this launch, is bound to, if it is a unix
/// socket: a launch that is given up must leave the path free for the cold start.
void remove_socket_file(int fd);

}  // namespace thaw::fd
