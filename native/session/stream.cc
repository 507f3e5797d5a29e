#include "session/stream.h"

#include <time.h>

#include <algorithm>
#include <cstring>

namespace thaw::session {
namespace {

constexpr size_t kPiece = 16384;
constexpr size_t kMostSeen = 1 << 20;  ///< bytes that wait: more is no answer to what was sent
constexpr size_t kMostFds = 28;        ///< with one message, as libwayland has it

uint64_t now_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

template <typename T>
Result<void> get(int fd, int option, T& value) {
  socklen_t size = sizeof(value);
  if (getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0) return {};
  return errno_error("cannot read an option of a socket");
}

template <typename T>
Result<void> set(int fd, int option, const T& value) {
  if (setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) == 0) return {};
  return errno_error("cannot set an option of a socket");
}

bool is_late(int err) {
  return err == EAGAIN || err == EWOULDBLOCK || err == EINPROGRESS;
}

Error late() {
  return Error{ETIMEDOUT,
               "the server has not answered within " + std::to_string(kLimitMs / 1000) + " s"};
}

}  // namespace

Result<Stream> Stream::begin(int fd) {
  Stream stream(fd);
  stream.deadline_ns_ = now_ns() + uint64_t{kLimitMs} * 1'000'000;
  THAW_TRY(get(fd, SO_RCVTIMEO, stream.receive_));
  THAW_TRY(get(fd, SO_SNDTIMEO, stream.send_));
  THAW_TRY(get(fd, SO_PEEK_OFF, stream.peek_));
  THAW_TRY(set(fd, SO_PEEK_OFF, 0));
  THAW_TRY(stream.wait_at_most_the_rest());
  return stream;
}

Result<void> Stream::begin_again() {
  seen_.clear();
  seen_fds_.clear();
  cut_ = false;
  set_ns_ = 0;
  THAW_TRY(set(fd_, SO_PEEK_OFF, 0));
  return wait_at_most_the_rest();
}

Result<void> Stream::wait_at_most_the_rest() {
  const uint64_t now = now_ns();
  if (now >= deadline_ns_) return late();
  constexpr uint64_t kExact = 20'000'000;  // A launch makes no calls for less.
  if (set_ns_ != 0 && now - set_ns_ < kExact) return {};
  set_ns_ = now;
  const uint64_t us = std::max<uint64_t>((deadline_ns_ - now) / 1000, 1);
  const timeval rest = {static_cast<time_t>(us / 1'000'000),
                        static_cast<suseconds_t>(us % 1'000'000)};
  THAW_TRY(set(fd_, SO_RCVTIMEO, rest));
  return set(fd_, SO_SNDTIMEO, rest);
}

Result<void> Stream::connect(const sockaddr* address, socklen_t size, const std::string& name) {
  if (::connect(fd_, address, size) == 0) return {};
  if (is_late(errno)) return late();
  return errno_error("cannot connect to " + name);
}

Result<void> Stream::send(std::string_view bytes) {
  return send(bytes, -1);
}

Result<void> Stream::send(std::string_view bytes, int fd) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  while (!bytes.empty()) {
    iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fd >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
    }
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && is_late(errno)) return late();
    if (sent < 0) return errno_error("cannot send to the server");
    fd = -1;  // With its first byte.
    bytes.remove_prefix(static_cast<size_t>(sent));
    THAW_TRY(wait_at_most_the_rest());
  }
  return {};
}

Result<void> Stream::see_more() {
  if (seen_.size() >= kMostSeen) return Error{0, "the server sends more than was asked for"};
  THAW_TRY(wait_at_most_the_rest());
  char piece[kPiece];
  alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))];
  iovec part = {piece, sizeof(piece)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t got = recvmsg(fd_, &message, MSG_PEEK | MSG_CMSG_CLOEXEC);
  if (got < 0 && is_late(errno)) return late();
  if (got < 0) return errno_error("cannot read from the server");
  if (got == 0) return Error{0, "the server has closed the connection"};
  seen_.append(piece, static_cast<size_t>(got));
  return keep_fds(message, got == kPiece);
}

Result<void> Stream::keep_fds(msghdr& message, bool cut) {
  const size_t before = seen_fds_.size();
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      seen_fds_.emplace_back(number);
    }
  }
  // What was seen in part is seen again, with its descriptors.
  const bool seen_again = seen_fds_.size() > before && cut_;
  cut_ = cut;
  if (seen_again || seen_fds_.size() > kMostFds || (message.msg_flags & MSG_CTRUNC) != 0)
    return Error{0, "the server sends more descriptors than were asked for"};
  return {};
}

Result<void> Stream::take(size_t size) {
  size_t left = std::min(size, seen_.size());
  seen_.erase(0, left);
  while (left > 0) {
    char piece[kPiece];
    iovec part = {piece, std::min(left, sizeof(piece))};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t got = recvmsg(fd_, &message, MSG_DONTWAIT);
    if (got <= 0) return errno_error("cannot read what the server has sent");
    left -= static_cast<size_t>(got);
  }
  return {};
}

Result<void> Stream::end() {
  THAW_TRY(set(fd_, SO_PEEK_OFF, peek_));
  THAW_TRY(set(fd_, SO_RCVTIMEO, receive_));
  return set(fd_, SO_SNDTIMEO, send_);
}

}  // namespace thaw::session
