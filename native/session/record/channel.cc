#include "session/record/channel.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <iterator>

namespace thaw::session {
namespace {

constexpr size_t kPiece = 65536;
constexpr size_t kMostFds = 253;     // SCM_MAX_FD of the kernel
constexpr size_t kEnoughFirst = 64;  ///< bytes by which each protocol can be told

}  // namespace

void Channel::add_polls(std::vector<pollfd>& polls) const {
  if (!app_.valid()) {
    polls.push_back({door_.get(), POLLIN, 0});
    return;
  }
  const auto events = [](bool in, bool out) {
    return static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0));
  };
  // One that has ended is always ready: it is looked at no more.
  if (const short wanted = events(!app_ended_, !held_ && !to_app_.empty()); wanted != 0)
    polls.push_back({app_.get(), wanted, 0});
  if (const short wanted = events(!server_ended_ && !held_, !to_server_.empty()); wanted != 0)
    polls.push_back({server_.get(), wanted, 0});
}

/// Others could connect to the door as well.
void Channel::enter() {
  const UniqueFd someone(accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (!someone.valid() || getsockopt(someone.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.pid != app_pid_)
    return;
  app_.reset(fcntl(someone.get(), F_DUPFD_CLOEXEC, 0));
  door_.reset();
}

Channel::Read Channel::read(int fd, Piece& piece) {
  piece.bytes.resize(kPiece);
  alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))];
  iovec part = {piece.bytes.data(), piece.bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Read::nothing;
  if (got <= 0) return Read::end;
  piece.bytes.resize(static_cast<size_t>(got));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd_number = -1;
      std::memcpy(&fd_number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      piece.fds.emplace_back(fd_number);
    }
  }
  return Read::piece;
}

/// False: the other side is gone.
bool Channel::flush(int fd, Queue& queue) {
  while (!queue.empty()) {
    Piece& piece = queue.front();
    alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))] = {};
    iovec part = {piece.bytes.data() + piece.sent, piece.bytes.size() - piece.sent};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!piece.fds.empty()) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(piece.fds.size() * sizeof(int));
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(piece.fds.size() * sizeof(int));
      for (size_t i = 0; i < piece.fds.size(); ++i) {
        const int number = piece.fds[i].get();
        std::memcpy(CMSG_DATA(header) + i * sizeof(int), &number, sizeof(int));
      }
    }
    const ssize_t sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (sent < 0) return false;
    piece.fds.clear();
    piece.sent += static_cast<size_t>(sent);
    if (piece.sent == piece.bytes.size()) queue.pop_front();
  }
  return true;
}

bool Channel::from_app() {
  Piece piece;
  const Read read_ = read(app_.get(), piece);
  if (read_ == Read::end) app_ended_ = true;
  if (read_ != Read::piece) return false;
  if (recorder_ == nullptr && first_.size() < kEnoughFirst) {
    first_ += piece.bytes;
    protocol_ = protocol_of(first_);
    if (protocol_ != nullptr) recorder_ = protocol_->record();
    if (recorder_ != nullptr) recorder_->from_app(first_, piece.fds);
  } else if (recorder_ != nullptr) {
    recorder_->from_app(piece.bytes, piece.fds);
  }
  to_server_.push_back(std::move(piece));
  return true;
}

bool Channel::from_server() {
  Piece piece;
  const Read read_ = read(server_.get(), piece);
  if (read_ == Read::end) server_ended_ = true;
  if (read_ != Read::piece) return false;
  to_app_.push_back(std::move(piece));
  return true;
}

/// What it is told is recorded in that moment, not when it comes.
bool Channel::tell_app() {
  for (Piece& piece : to_app_) {
    if (piece.recorded) continue;
    piece.recorded = true;
    if (recorder_ != nullptr) recorder_->from_server(piece.bytes, piece.fds);
    // Descriptors need bytes to come with.
    spare_.insert(spare_.end(), std::make_move_iterator(piece.fds.begin()),
                  std::make_move_iterator(piece.fds.end()));
    piece.fds.clear();
    if (!piece.bytes.empty()) piece.fds.swap(spare_);
  }
  std::erase_if(to_app_, [](const Piece& piece) { return piece.bytes.empty(); });
  return flush(app_.get(), to_app_);
}

bool Channel::is_at_rest() const {
  if (!app_.valid() || app_ended_ || recorder_ == nullptr) return true;
  int unread = 0;  // unix(7): what was sent and the other end has not read.
  if (!to_server_.empty() || !to_app_.empty() || ioctl(app_.get(), SIOCOUTQ, &unread) != 0)
    return false;
  const auto rest = recorder_->check_rest();
  return unread == 0 && (rest || rest.error().err != EAGAIN);
}

std::string Channel::untold() const {
  std::string bytes;
  for (const Piece& piece : to_app_) bytes += piece.bytes;
  return bytes;
}

void Channel::drain_app() {
  while (!app_ended_ && from_app()) {
  }
  if (!flush(server_.get(), to_server_)) to_server_.clear();
}

void Channel::await_answers() {
  // A server that never pauses is not waited for: the app stands still meanwhile.
  constexpr int kMomentMs = 5, kMostPieces = 256;
  pollfd server = {server_.get(), POLLIN, 0};
  for (int i = 0; i < kMostPieces && !server_ended_ && poll(&server, 1, kMomentMs) > 0; ++i)
    from_server();
}

bool Channel::step() {
  if (!app_.valid()) {
    enter();
    return true;
  }
  if (!app_ended_) drain_app();
  if (!server_ended_ && !held_) from_server();
  if (!held_ && !tell_app()) app_ended_ = true;
  if (app_ended_) return !to_server_.empty();
  if (server_ended_ && to_app_.empty()) shutdown(app_.get(), SHUT_RDWR);
  return true;
}

uint64_t Channel::inode() const {
  struct stat status = {};
  return app_.valid() && fstat(app_.get(), &status) == 0 ? status.st_ino : 0;
}

bool Channel::is_door(const fd::SocketAddress& address) const {
  return door_.valid() && address.size == door_address_.size &&
         std::memcmp(address.bytes, door_address_.bytes, address.size) == 0;
}

}  // namespace thaw::session
