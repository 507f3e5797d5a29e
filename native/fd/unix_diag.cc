#include "fd/unix_diag.h"

#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include "fd/diag_answer.h"
#include "fd/net_namespace.h"

namespace thaw::fd {
namespace {

struct Request {
  nlmsghdr header;
  unix_diag_req body;
};

Error diag_error(int err) {
  const char* remedy =
      err == ENOENT || err == EPROTONOSUPPORT ? "the kernel needs CONFIG_UNIX_DIAG" : "";
  return {err, "cannot ask the kernel about unix sockets", remedy};
}

Result<void> send_request(int fd, uint32_t inode) {
  Request request = {};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = AF_UNIX;
  request.body.udiag_states = ~0u;
  request.body.udiag_ino = inode;
  request.body.udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_VFS;
  request.body.udiag_cookie[0] = request.body.udiag_cookie[1] = ~0u;
  if (send(fd, &request, sizeof(request), 0) < 0) return diag_error(errno);
  return {};
}

void take_attribute(const rtattr* attribute, UnixSocket& out) {
  switch (attribute->rta_type) {
    case UNIX_DIAG_PEER:
      out.has_peer = true;
      read_attribute(attribute, out.peer);
      break;
    case UNIX_DIAG_RQLEN: {
      unix_diag_rqlen queue = {};
      read_attribute(attribute, queue);
      out.received = queue.udiag_rqueue;
      out.backlog = queue.udiag_wqueue;
      break;
    }
    case UNIX_DIAG_VFS: {
      unix_diag_vfs file = {};
      read_attribute(attribute, file);
      out.has_file = true;
      out.file_ino = file.udiag_vfs_ino;
      out.file_dev = file.udiag_vfs_dev;
      break;
    }
    case UNIX_DIAG_SHUTDOWN: {
      uint8_t shutdown = 0;
      read_attribute(attribute, shutdown);
      out.shutdown = shutdown;
      break;
    }
    default:
      break;
  }
}

UnixSocket read_answer(const nlmsghdr* header) {
  UnixSocket socket;
  each_attribute<unix_diag_msg>(
      header, [&socket](const rtattr* attribute) { take_attribute(attribute, socket); });
  return socket;
}

}  // namespace

Result<std::optional<UnixSocket>> unix_diag(pid_t pid, uint64_t inode) {
  auto netlink = socket_in_namespace(pid, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
  if (!netlink) return diag_error(netlink.error().err);
  THAW_TRY(send_request(netlink.value().get(), static_cast<uint32_t>(inode)));
  alignas(nlmsghdr) char buffer[8192];
  const ssize_t size = recv(netlink.value().get(), buffer, sizeof(buffer), 0);
  if (size < 0) return diag_error(errno);
  const auto* header = reinterpret_cast<const nlmsghdr*>(buffer);
  if (!NLMSG_OK(header, static_cast<size_t>(size))) return diag_error(EBADMSG);
  if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
      header->nlmsg_len >= NLMSG_LENGTH(sizeof(unix_diag_msg)))
    return std::optional(read_answer(header));
  if (header->nlmsg_type != NLMSG_ERROR) return diag_error(EBADMSG);
  const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
  // A kernel without unix_diag answers ENOENT as well, to every question: the caller asks about a
  // socket that exists before it asks about its peer, and takes "no such socket" there for what it
  // is.
  if (error->error == -ENOENT) return std::optional<UnixSocket>();
  return diag_error(-error->error);
}

}  // namespace thaw::fd
