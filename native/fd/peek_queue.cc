#include "fd/peek_queue.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "support/file.h"
#include "support/young_kernels.h"

namespace thaw::fd {
namespace {

constexpr size_t kLargestMessage = size_t{4} << 20;
/// More than the kernel keeps in one piece of a stream: what carries descriptors is one such piece.
constexpr size_t kStreamPart = size_t{1} << 20;
constexpr int kSoPassPidFd = 76;  // <asm-generic/socket.h>, 6.5
constexpr const char* kLater = "let the app read it before the checkpoint (lengthen `settle`)";

/// While it lives, MSG_PEEK goes on where the last one ended, and every message shows its sender:
/// that tells an empty message from the end of the queue. The description is the app's own: both
/// options go back.
class PeekMode {
 public:
  explicit PeekMode(int fd)
      : fd_(fd),
        offset_(socket_option(fd, SO_PEEK_OFF, 0)),
        credentials_(socket_option(fd, SO_PASSCRED, 0)) {
    usable_ = set_socket_option(fd, SO_PEEK_OFF, 0);
    set_socket_option(fd, SO_PASSCRED, 1);
  }
  PeekMode(const PeekMode&) = delete;
  PeekMode& operator=(const PeekMode&) = delete;
  ~PeekMode() {
    set_socket_option(fd_, SO_PASSCRED, credentials_);
    set_socket_option(fd_, SO_PEEK_OFF, offset_);
  }
  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] bool app_wants_credentials() const {
    return credentials_ != 0 || socket_option(fd_, kSoPassPidFd, 0) != 0;
  }

 private:
  int fd_;
  int offset_;
  int credentials_;
  bool usable_ = false;
};

struct Message {
  ssize_t size = 0;  ///< -1: nothing more
  bool truncated = false;
  bool lacks_descriptors = false;
  bool has_sender = false;
  ucred sender = {};
  std::vector<UniqueFd> descriptors;  ///< peeking gives us our own
};

void take_control(const cmsghdr* control, Message& message) {
  if (control->cmsg_level != SOL_SOCKET) return;
  if (control->cmsg_type == SCM_CREDENTIALS) {
    std::memcpy(&message.sender, CMSG_DATA(control), sizeof(message.sender));
    message.has_sender = true;
  }
  if (control->cmsg_type != SCM_RIGHTS && control->cmsg_type != young::kScmPidFd) return;
  const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; ++i) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(control) + i * sizeof(int), sizeof(number));
    UniqueFd fd(number);
    if (control->cmsg_type == SCM_RIGHTS) message.descriptors.push_back(std::move(fd));
  }
}

Message peek_message(int fd, std::span<char> buffer) {
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
  message.truncated = (header.msg_flags & MSG_TRUNC) != 0;
  message.lacks_descriptors = (header.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c))
    take_control(c, message);
  return message;
}

/// The app's first process, which a launch can tell of as a sender, since it is who sends.
struct Root {
  pid_t pid = 0;
  std::vector<uint64_t> users, groups;  ///< real, effective, saved

  explicit Root(pid_t root) : pid(root) {
    const auto status = read_file("/proc/" + std::to_string(root) + "/status");
    if (!status) return;
    users = ids(line_value(status.value(), "Uid:"));
    groups = ids(line_value(status.value(), "Gid:"));
  }
  [[nodiscard]] bool is(const ucred& sender) const {
    const auto has = [](const std::vector<uint64_t>& ids, uint64_t id) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    return sender.pid == pid && has(users, sender.uid) && has(groups, sender.gid);
  }

 private:
  static std::vector<uint64_t> ids(std::string_view line) {
    std::vector<uint64_t> numbers;
    for (const std::string_view word : split(line, " \t")) numbers.push_back(number(word));
    if (numbers.size() > 3) numbers.resize(3);
    return numbers;
  }
};

/// A byte that can be neither read nor written.
struct NoMemory {
  void* address = mmap(nullptr, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  NoMemory() = default;
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
  ~NoMemory() {
    if (address != MAP_FAILED) munmap(address, 1);
  }
};

class Peeking {
 public:
  explicit Peeking(const Probe& probe)
      : probe_(probe),
        fd_(probe.copy.get()),
        type_(socket_option(fd_, SO_TYPE, 0)),
        mode_(fd_),
        wants_credentials_(mode_.app_wants_credentials()),
        root_(probe.members.front()),
        buffer_(type_ == SOCK_STREAM ? kStreamPart : kLargestMessage) {}

  Result<UnixQueue> look() {
    if (!mode_.usable())
      return refuse(probe_, "has a queue that cannot be read: the kernel lacks SO_PEEK_OFF for it",
                    "");
    THAW_TRY(type_ == SOCK_STREAM ? look_at_stream() : look_at_messages());
    return std::move(queue_);
  }

 private:
  Result<void> look_at_messages() {
    for (uint64_t index = 0;; ++index) {
      Message message = peek_message(fd_, buffer_);
      THAW_TRY(check(message));
      if (message.size < 0 || (message.size == 0 && !message.has_sender)) return {};
      const auto length = static_cast<uint32_t>(message.size);
      queue_.content.append(reinterpret_cast<const char*>(&length), sizeof(length));
      THAW_TRY(add(message, index));
    }
  }

  /// To the end of the queue and no further: reading on would take a pending error from the app.
  Result<void> look_at_stream() {
    THAW_ASSIGN(socket, own_state(probe_));
    while (queue_.content.size() < socket.received) {
      set_socket_option(fd_, SO_PEEK_OFF, static_cast<int>(queue_.content.size()));
      Message message = peek_message(fd_, buffer_);
      THAW_TRY(check(message));
      if (message.size <= 0) return {};
      // A reader gets plain data together with what carries descriptors behind them.
      if (const size_t before = before_descriptors(message); before > 0) {
        message.size = static_cast<ssize_t>(before);
        message.descriptors.clear();
      }
      THAW_TRY(add(message, queue_.content.size()));
    }
    return {};
  }

  /// How many of the message's bytes stand before those that carry its descriptors. Peeking gives
  /// descriptors that stand behind all it was asked for, too. But it gives pieces whole, or, where there
  /// is no memory for the end of one, all that are before it; and what carries descriptors comes last.
  size_t before_descriptors(const Message& message) {
    const auto size = static_cast<size_t>(message.size);
    if (message.descriptors.empty() || size < 2) return 0;
    set_socket_option(fd_, SO_PEEK_OFF, static_cast<int>(queue_.content.size()));
    iovec parts[] = {{buffer_.data(), size - 1}, {no_memory_.address, 1}};
    msghdr header = {};
    header.msg_iov = parts;
    header.msg_iovlen = std::size(parts);
    const ssize_t before = recvmsg(fd_, &header, MSG_PEEK | MSG_DONTWAIT);
    return before < 0 ? 0 : static_cast<size_t>(before);
  }

  [[nodiscard]] Result<void> check(const Message& message) const {
    if (message.size < 0 && errno != EAGAIN)
      return refuse(probe_, std::string("has a queue that cannot be read: ") + std::strerror(errno),
                    "");
    if (message.truncated)
      return refuse(probe_, "holds a message in its queue that is too large to keep", kLater);
    if (message.lacks_descriptors)
      return refuse(
          probe_,
          "holds a message with descriptors (SCM_RIGHTS) in its queue that thaw cannot have",
          "raise RLIMIT_NOFILE of thaw, or " + std::string(kLater));
    return {};
  }

  /// The data and what stands beside it.
  Result<void> add(Message& message, uint64_t at) {
    const auto size = static_cast<size_t>(message.size);
    queue_.content.append(buffer_.data(), size);
    Ancillary beside;
    beside.at = at;
    beside.size = type_ == SOCK_STREAM ? static_cast<uint32_t>(size) : 0;
    THAW_TRY(add_sender(message, beside));
    beside.first = static_cast<uint32_t>(queue_.descriptors.size());
    beside.count = static_cast<uint32_t>(message.descriptors.size());
    std::move(message.descriptors.begin(), message.descriptors.end(),
              std::back_inserter(queue_.descriptors));
    if (beside.count != 0 || beside.has_credentials != 0) queue_.ancillaries.push_back(beside);
    return {};
  }

  Result<void> add_sender(const Message& message, Ancillary& beside) {
    if (!message.has_sender || message.sender.pid == 0)
      return {};  // Nobody asked when it was sent.
    if (root_.is(message.sender)) {
      beside.has_credentials = 1;
      beside.uid = message.sender.uid;
      beside.gid = message.sender.gid;
      return {};
    }
    if (wants_credentials_)
      return refuse(probe_,
                    "holds a message in its queue whose sender, process " +
                        std::to_string(message.sender.pid) + " as user " +
                        std::to_string(message.sender.uid) +
                        ", a launch could not tell (SO_PASSCRED)",
                    kLater);
    queue_.foreign_sender = true;
    return {};
  }

  const Probe& probe_;
  int fd_;
  int type_;
  PeekMode mode_;
  bool wants_credentials_;
  Root root_;
  std::vector<char> buffer_;
  NoMemory no_memory_;
  UnixQueue queue_;
};

}  // namespace

bool has_queue(std::span<const Probe> probes, const Probe& probe) {
  if (!S_ISSOCK(probe.status.st_mode) || socket_type(probe).domain != AF_UNIX ||
      (poll_now(probe.copy.get()) & (POLLIN | POLLPRI)) == 0 ||
      peer_address(probe.copy.get()).size == 0)
    return false;
  const auto own = own_state(probe);
  if (!own) return false;  // Which its kind refuses.
  const auto other = find_other(probes, probe, own.value());
  return other && (other.value() == Other::closed || other.value() == Other::paired);
}

Result<UnixQueue> peek_queue(const Probe& probe) {
  if ((poll_now(probe.copy.get()) & POLLPRI) != 0)
    return refuse(probe, "holds out-of-band data in its queue", kLater);
  return Peeking(probe).look();
}

}  // namespace thaw::fd
