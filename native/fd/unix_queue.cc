#include "fd/unix_queue.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace thaw::fd {
namespace {

constexpr size_t kLargestMessage = size_t{4} << 20;
constexpr int kScmPidFd = 4;  // SCM_PIDFD, 6.5

int get_int(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  getsockopt(fd, SOL_SOCKET, name, &value, &size);
  return value;
}

void set_int(int fd, int name, int value) { setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)); }

/// While it lives, MSG_PEEK goes on where the last one ended, and every message shows its sender: that tells an empty
/// message from the end of the queue. The description is the app's own: both options go back.
class PeekMode {
 public:
  explicit PeekMode(int fd) : fd_(fd), offset_(get_int(fd, SO_PEEK_OFF)), credentials_(get_int(fd, SO_PASSCRED)) {
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
  if (control->cmsg_type != SCM_RIGHTS && control->cmsg_type != kScmPidFd) return;
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
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) take_control(c, message);
  return message;
}

Result<void> check_message(const Probe& probe, const Message& message, bool app_wants_credentials) {
  constexpr const char* kLater = "let the app read it before the checkpoint (lengthen `settle`)";
  if (message.has_descriptors) return refuse(probe, "holds a message with descriptors (SCM_RIGHTS) in its queue", kLater);
  if (message.truncated) return refuse(probe, "holds a message in its queue that is too large to keep", kLater);
  if (app_wants_credentials && message.sender != 0 && message.sender != probe.pid)
    return refuse(probe, "holds a message in its queue from another process, whose credentials (SO_PASSCRED) would change", kLater);
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

}  // namespace

Result<std::string> peek_queue(const Probe& probe, const SocketRecord& record, const UnixSocket& socket) {
  const int fd = probe.copy.get();
  const short ready = poll_now(fd);
  std::string content;
  if ((ready & POLLPRI) != 0)
    return refuse(probe, "holds out-of-band data in its queue", "let the app read it before the checkpoint (lengthen `settle`)");
  if ((ready & POLLIN) == 0) return content;
  const PeekMode mode(fd);
  if (!mode.usable()) return refuse(probe, "has a queue that cannot be read", "the kernel lacks SO_PEEK_OFF for it");
  std::vector<char> buffer(record.type == SOCK_STREAM ? size_t{64} << 10 : kLargestMessage);
  // A stream is read to the end of its queue and no further: reading on would take a pending error from the app.
  while (record.type != SOCK_STREAM || content.size() < socket.received) {
    const Message message = peek_message(fd, buffer);
    if (message.size < 0 && errno != EAGAIN) return refuse(probe, "has a queue that cannot be read", std::strerror(errno));
    if (message.size < 0 || (message.size == 0 && !message.has_sender)) break;
    THAW_TRY(check_message(probe, message, mode.app_wants_credentials()));
    append(content, record.type, buffer.data(), static_cast<size_t>(message.size));
  }
  return content;
}

Result<void> send_queue(int fd, int type, std::string_view content) {
  std::string_view message;
  while (next_message(type, content, message)) {
    do {
      const ssize_t sent = send(fd, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) return errno_error("cannot put the queued data of a socket pair back");
      message.remove_prefix(static_cast<size_t>(sent));
    } while (!message.empty());
  }
  return {};
}

bool valid_queue(int type, std::string_view content) {
  std::string_view message;
  while (next_message(type, content, message)) {
  }
  return content.empty();
}

}  // namespace thaw::fd
