#include "fd/unix_queue.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "support/young_kernels.h"

namespace thaw::fd {
namespace {

constexpr int kRoom = 8 << 20;  ///< send buffer that holds any queue
constexpr size_t kLargestMessage = size_t{4} << 20;

int get_int(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  getsockopt(fd, SOL_SOCKET, name, &value, &size);
  return value;
}

void set_int(int fd, int name, int value) {
  setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value));
}

/// While it lives, MSG_PEEK goes on where the last one ended, and every message shows its sender:
/// that tells an empty message from the end of the queue. The description is the app's own: both
/// options go back.
class PeekMode {
 public:
  explicit PeekMode(int fd)
      : fd_(fd), offset_(get_int(fd, SO_PEEK_OFF)), credentials_(get_int(fd, SO_PASSCRED)) {
    const int start = 0;
    usable_ = setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &start, sizeof(start)) == 0;
    set_int(fd, SO_PASSCRED, 1);
  }
  PeekMode(const PeekMode&) = delete;
  PeekMode& operator=(const PeekMode&) = delete;
  ~PeekMode() {
    set_int(fd_, SO_PASSCRED, credentials_);
    set_int(fd_, SO_PEEK_OFF, offset_);
  }
  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] bool app_wants_credentials() const { return credentials_ != 0; }

 private:
  int fd_;
  int offset_;
  int credentials_;
  bool usable_ = false;
};

struct Message {
  ssize_t size = 0;  ///< -1: nothing more
  bool truncated = false;
  bool has_sender = false;
  bool has_descriptors = false;
  pid_t sender = 0;
};

void close_descriptors(const cmsghdr* control) {
  const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(fd));
    close(fd);
  }
}

void take_control(const cmsghdr* control, Message& message) {
  if (control->cmsg_level != SOL_SOCKET) return;
  if (control->cmsg_type == SCM_CREDENTIALS) {
    ucred sender = {};
    std::memcpy(&sender, CMSG_DATA(control), sizeof(sender));
    message.has_sender = true;
    message.sender = sender.pid;
  }
  if (control->cmsg_type != SCM_RIGHTS && control->cmsg_type != young::kScmPidFd) return;
  // Peeking gave us descriptors of our own.
  close_descriptors(control);
  message.has_descriptors |= control->cmsg_type == SCM_RIGHTS;
}

Message peek_message(int fd, std::vector<char>& buffer) {
  Message message;
  alignas(cmsghdr) char control[4096];
  iovec vector = {buffer.data(), buffer.size()};
  msghdr header = {};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  message.size = recvmsg(fd, &header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (message.size < 0) return message;
  message.truncated = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c))
    take_control(c, message);
  return message;
}

Result<void> check_message(const Probe& probe, const Message& message, bool app_wants_credentials) {
  constexpr const char* kLater = "let the app read it before the checkpoint (lengthen `settle`)";
  if (message.has_descriptors)
    return refuse(probe, "holds a message with descriptors (SCM_RIGHTS) in its queue", kLater);
  if (message.truncated)
    return refuse(probe, "holds a message in its queue that is too large to keep", kLater);
  if (app_wants_credentials && message.sender != 0 && message.sender != probe.members.front())
    return refuse(probe,
                  "holds a message in its queue from another process, whose credentials "
                  "(SO_PASSCRED) would change",
                  kLater);
  return {};
}

void append(std::string& content, int type, const char* bytes, size_t size) {
  const auto length = static_cast<uint32_t>(size);
  if (type != SOCK_STREAM) content.append(reinterpret_cast<const char*>(&length), sizeof(length));
  content.append(bytes, size);
}

/// Takes the next message off the front of `content`; false at the end or if it does not fit.
bool next_message(int type, std::string_view& content, std::string_view& message) {
  if (content.empty()) return false;
  uint32_t length = 0;
  if (type == SOCK_STREAM) {
    message = content;
    content = {};
    return true;
  }
  if (content.size() < sizeof(length)) return false;
  std::memcpy(&length, content.data(), sizeof(length));
  content.remove_prefix(sizeof(length));
  if (length > content.size()) return false;
  message = content.substr(0, length);
  content.remove_prefix(length);
  return true;
}

/// What `queued` bytes sent in portions take of the sender's buffer; more than any buffer if they
/// do not fit.
int cost_of(size_t queued, size_t portion) {
  int ends[2];
  int cost = std::numeric_limits<int>::max();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return cost;
  const UniqueFd sender(ends[0]);
  const UniqueFd receiver(ends[1]);
  set_int(sender.get(), SO_SNDBUF, kRoom);
  set_int(sender.get(), SO_SNDBUFFORCE, kRoom);
  const std::string zeros(portion, '\0');
  for (size_t left = queued; left > 0;) {
    const ssize_t sent = send(sender.get(), zeros.data(), std::min(left, portion), MSG_DONTWAIT);
    if (sent <= 0) return cost;
    left -= static_cast<size_t>(sent);
  }
  ioctl(sender.get(), SIOCOUTQ, &cost);
  return cost;
}

/// An app may have made its buffer smaller than what it had sent: a larger one for this one call.
ssize_t send_anyway(int fd, const char* bytes, size_t size) {
  ssize_t sent = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 || (errno != EAGAIN && errno != EMSGSIZE)) return sent;
  const int room = get_int(fd, SO_SNDBUF);
  set_int(fd, SO_SNDBUF, kRoom);
  set_int(fd, SO_SNDBUFFORCE, kRoom);
  sent = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  const int err = errno;
  set_int(fd, SO_SNDBUF, room / 2);
  errno = err;
  return sent;
}

}  // namespace

Result<std::string> peek_queue(const Probe& probe, const SocketRecord& record,
                               const UnixSocket& socket) {
  const int fd = probe.copy.get();
  const short ready = poll_now(fd);
  std::string content;
  if ((ready & POLLPRI) != 0)
    return refuse(probe, "holds out-of-band data in its queue",
                  "let the app read it before the checkpoint (lengthen `settle`)");
  if ((ready & POLLIN) == 0) return content;
  const PeekMode mode(fd);
  if (!mode.usable())
    return refuse(probe, "has a queue that cannot be read: the kernel lacks SO_PEEK_OFF for it",
                  "");
  std::vector<char> buffer(record.type == SOCK_STREAM ? size_t{64} << 10 : kLargestMessage);
  // A stream is read to the end of its queue and no further: reading on would take a pending error
  // from the app.
  while (record.type != SOCK_STREAM || content.size() < socket.received) {
    const Message message = peek_message(fd, buffer);
    if (message.size < 0 && errno != EAGAIN)
      return refuse(probe, std::string("has a queue that cannot be read: ") + std::strerror(errno),
                    "");
    if (message.size < 0 || (message.size == 0 && !message.has_sender)) break;
    THAW_TRY(check_message(probe, message, mode.app_wants_credentials()));
    append(content, record.type, buffer.data(), static_cast<size_t>(message.size));
  }
  return content;
}

uint32_t queue_portion(int peer, size_t queued) {
  int charged = 0;
  if (queued == 0 || (poll_now(peer) & (POLLOUT | POLLHUP)) != 0) return 0;
  if (ioctl(peer, SIOCOUTQ, &charged) != 0) return 0;
  size_t small = 1;
  size_t large = queued + 1;
  // The largest portion that still costs as much: costs fall as portions grow.
  while (large - small > 1) {
    const size_t middle = small + (large - small) / 2;
    (cost_of(queued, middle) >= charged ? small : large) = middle;
  }
  return static_cast<uint32_t>(small);
}

Result<void> send_queue(int fd, int type, std::string_view content, uint32_t portion) {
  std::string_view message;
  while (next_message(type, content, message)) {
    do {
      const size_t size = type == SOCK_STREAM && portion != 0
                              ? std::min<size_t>(message.size(), portion)
                              : message.size();
      const ssize_t sent = send_anyway(fd, message.data(), size);
      if (sent < 0) return errno_error("cannot put the queued data of a socket pair back");
      message.remove_prefix(static_cast<size_t>(sent));
    } while (!message.empty());
  }
  return {};
}

std::string queue_text(int type, std::string_view content) {
  if (content.empty()) return {};
  if (type == SOCK_STREAM) return std::to_string(content.size()) + " bytes queued";
  size_t count = 0;
  std::string_view message;
  while (next_message(type, content, message)) ++count;
  return std::to_string(count) + " messages queued";
}

bool valid_queue(int type, std::string_view content) {
  std::string_view message;
  while (next_message(type, content, message)) {
  }
  return content.empty();
}

}  // namespace thaw::fd
