#include "fd/unix_queue.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "fd/payload.h"

namespace thaw::fd {
namespace {

constexpr int kRoom = 8 << 20;          ///< send buffer that holds any queue
constexpr uint32_t kMostCarried = 253;  ///< SCM_MAX_FD of the kernel: descriptors of one message
constexpr const char* kProblem = "cannot put the queued data of a socket pair back";

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
  set_socket_option(sender.get(), SO_SNDBUF, kRoom);
  set_socket_option(sender.get(), SO_SNDBUFFORCE, kRoom);
  const std::string zeros(portion, '\0');
  for (size_t left = queued; left > 0;) {
    const ssize_t sent = send(sender.get(), zeros.data(), std::min(left, portion), MSG_DONTWAIT);
    if (sent <= 0) return cost;
    left -= static_cast<size_t>(sent);
  }
  ioctl(sender.get(), SIOCOUTQ, &cost);
  return cost;
}

template <typename Row>
size_t rows_in(std::string_view bytes) {
  return bytes.size() / sizeof(Row);
}

template <typename Row>
Row row_of(std::string_view bytes, size_t index) {
  Row row;
  std::memcpy(&row, bytes.data() + index * sizeof(Row), sizeof(row));
  return row;
}

/// While it lives, the socket can send what the app had sent, whose buffer it may have made smaller
/// since.
class RoomToSend {
 public:
  explicit RoomToSend(int fd) : fd_(fd), room_(socket_option(fd, SO_SNDBUF, 0)) {
    set_socket_option(fd, SO_SNDBUF, kRoom);
    set_socket_option(fd, SO_SNDBUFFORCE, kRoom);
  }
  RoomToSend(const RoomToSend&) = delete;
  RoomToSend& operator=(const RoomToSend&) = delete;
  ~RoomToSend() {
    const int err = errno;
    set_socket_option(fd_, SO_SNDBUF, room_ / 2);
    errno = err;
  }

 private:
  int fd_;
  int room_;
};

/// One message at a time through one socket.
class Sender {
 public:
  Sender(const image::View& view, std::span<const UniqueFd> opened, int fd,
         const QueueRecord& queue)
      : opened_(opened),
        fd_(fd),
        rows_(view.bytes(queue.ancillaries)),
        carried_(view.bytes(queue.carried)) {}

  /// What stands beside the data from there on; the first byte or message that anything stands at.
  [[nodiscard]] uint64_t next() const {
    return row_ < rows_in<Ancillary>(rows_) ? row_of<Ancillary>(rows_, row_).at
                                            : std::numeric_limits<uint64_t>::max();
  }

  Result<void> send_message(std::string_view message, uint64_t index) {
    sender_.pid = 0;
    if (index == next()) THAW_TRY(take_row());
    return send_one(message) < 0 ? errno_error(kProblem) : Result<void>();
  }

  Result<void> send_stream(std::string_view bytes, size_t portion) {
    for (uint64_t at = 0; at < bytes.size();) {
      sender_.pid = 0;
      uint64_t end = std::min<uint64_t>(next(), bytes.size());
      if (at == next()) {
        end = at + row_of<Ancillary>(rows_, row_).size;
        THAW_TRY(take_row());
      }
      while (at < end) {
        const auto size = static_cast<size_t>(end - at);
        const ssize_t sent =
            send_one(bytes.substr(static_cast<size_t>(at), portion_of(size, portion)));
        if (sent <= 0) return errno_error(kProblem);
        at += static_cast<uint64_t>(sent);
      }
    }
    return {};
  }

 private:
  /// What descriptors stand at stays in one piece: a reader gets no more with them.
  [[nodiscard]] size_t portion_of(size_t size, size_t portion) const {
    return portion == 0 || rights_.count != 0 ? size : std::min(size, portion);
  }

  /// What the next message carries.
  Result<void> take_row() {
    rights_ = row_of<Ancillary>(rows_, row_++);
    sender_ = {rights_.has_credentials != 0 ? getpid() : 0, rights_.uid, rights_.gid};
    for (uint32_t i = 0; i < rights_.count; ++i) {
      const auto carried = row_of<Carried>(carried_, rights_.first + i);
      THAW_ASSIGN(number, number_of(carried));
      numbers_[i] = number;
    }
    return {};
  }

  /// What the caller has closed is nothing to read or to be heard.
  Result<int> number_of(const Carried& carried) {
    if (carried.open_file != model::kNone) return opened_[carried.open_file].get();
    if (fcntl(carried.inherit, F_GETFD) >= 0) return carried.inherit;
    if (!null_.valid()) null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null_.valid()) return errno_error("cannot open /dev/null");
    return null_.get();
  }

  ssize_t send_one(std::string_view bytes) {
    iovec vector = {const_cast<char*>(bytes.data()), bytes.size()};
    msghdr header = {};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control_;
    if (sender_.pid != 0) put(header, SCM_CREDENTIALS, &sender_, sizeof(sender_));
    if (rights_.count != 0) put(header, SCM_RIGHTS, numbers_, rights_.count * sizeof(int));
    if (header.msg_controllen == 0) header.msg_control = nullptr;
    const ssize_t sent = send_header(header);
    rights_.count = 0;  // The rest of a stream's bytes are without.
    return sent;
  }

  ssize_t send_header(const msghdr& header) const {
    constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
    // The kernel sends no more in one piece than half of the buffer.
    if (rights_.count == 0 ||
        header.msg_iov->iov_len < static_cast<size_t>(socket_option(fd_, SO_SNDBUF, 0)) / 4) {
      const ssize_t sent = sendmsg(fd_, &header, kFlags);
      if (sent >= 0 || (errno != EAGAIN && errno != EMSGSIZE)) return sent;
    }
    const RoomToSend room(fd_);
    return sendmsg(fd_, &header, kFlags);
  }

  void put(msghdr& header, int type, const void* data, size_t size) {
    auto* control = reinterpret_cast<cmsghdr*>(control_ + header.msg_controllen);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(control), data, size);
    header.msg_controllen += CMSG_SPACE(size);
  }

  std::span<const UniqueFd> opened_;
  int fd_;
  std::string_view rows_, carried_;
  size_t row_ = 0;
  Ancillary rights_ = {};
  ucred sender_ = {};
  int numbers_[kMostCarried] = {};
  UniqueFd null_;
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(ucred)) +
                                 CMSG_SPACE(kMostCarried * sizeof(int))] = {};
};

/// How many bytes of a stream, or messages.
uint64_t units_in(int type, std::string_view content) {
  if (type == SOCK_STREAM) return content.size();
  uint64_t count = 0;
  std::string_view message;
  while (next_message(type, content, message)) ++count;
  return count;
}

bool valid_carried(const image::View& view, const Carried& carried) {
  return carried.open_file == model::kNone ? carried.inherit >= 0
                                           : carried.open_file < view.open_files().size();
}

/// One after the other, each within the queue.
bool valid_ancillaries(int type, uint64_t units, std::string_view rows, size_t carried) {
  uint64_t free = 0;  // From there on, nothing stands yet.
  for (size_t i = 0; i < rows_in<Ancillary>(rows); ++i) {
    const auto row = row_of<Ancillary>(rows, i);
    const uint64_t size = type == SOCK_STREAM ? row.size : 1;
    if (row.at < free || row.at >= units || size == 0 || size > units - row.at ||
        row.has_credentials > 1 || row.count > kMostCarried || row.first > carried ||
        row.count > carried - row.first)
      return false;
    free = row.at + size;
  }
  return true;
}

}  // namespace

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

Result<void> send_queue(const image::View& view, std::span<const UniqueFd> opened, int fd, int type,
                        model::Blob content, const QueueRecord& queue) {
  if (content.size == 0) return {};
  std::string_view left = view.bytes(content);
  Sender sender(view, opened, fd, queue);
  if (type == SOCK_STREAM) return sender.send_stream(left, queue.portion);
  std::string_view message;
  for (uint64_t index = 0; next_message(type, left, message); ++index)
    THAW_TRY(sender.send_message(message, index));
  return {};
}

std::string queue_text(int type, std::string_view content, size_t descriptors) {
  if (content.empty()) return {};
  std::string text =
      std::to_string(units_in(type, content)) + (type == SOCK_STREAM ? " bytes" : " messages");
  text += " queued";
  if (descriptors != 0) text += " with " + std::to_string(descriptors) + " descriptors";
  return text;
}

bool valid_queue(const image::View& view, int type, model::Blob content, const QueueRecord& queue) {
  std::string_view left = view.bytes(content);
  const uint64_t units = units_in(type, left);
  std::string_view message;
  while (next_message(type, left, message)) {
  }
  if (!left.empty() || !valid_blob(view, queue.ancillaries) || !valid_blob(view, queue.carried))
    return false;
  const std::string_view rows = view.bytes(queue.ancillaries);
  const std::string_view carried = view.bytes(queue.carried);
  if (rows.size() % sizeof(Ancillary) != 0 || carried.size() % sizeof(Carried) != 0) return false;
  for (size_t i = 0; i < rows_in<Carried>(carried); ++i)
    if (!valid_carried(view, row_of<Carried>(carried, i))) return false;
  return valid_ancillaries(type, units, rows, rows_in<Carried>(carried));
}

}  // namespace thaw::fd
