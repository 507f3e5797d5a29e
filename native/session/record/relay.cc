#include "session/record/relay.h"

#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "session/record/as_thread.h"

namespace thaw::session {
namespace {

constexpr socklen_t kNameBegins = offsetof(sockaddr_un, sun_path);
/// Of an abstract name that nobody else has by chance.
constexpr socklen_t kShortestName = 8;

Result<UniqueFd> unix_stream(int flags = 0) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!fd.valid()) return errno_error("cannot make a socket");
  return fd;
}

/// An abstract name of that size.
fd::SocketAddress random_name(uint32_t size) {
  fd::SocketAddress address;
  address.size = size;
  const sa_family_t family = AF_UNIX;
  std::memcpy(address.bytes, &family, sizeof(family));
  uint8_t* name = address.bytes + kNameBegins + 1;
  const size_t letters = size - kNameBegins - 1;
  if (getrandom(name, letters, 0) < 0) return {};
  for (size_t i = 0; i < letters; ++i) name[i] = static_cast<uint8_t>('a' + name[i] % 16);
  return address;
}

Result<UniqueFd> listen_at(const fd::SocketAddress& address) {
  // Each step asks whether somebody has come, with the lock held: whoever waited there for an app that
  // does not come would keep its tracer from closing the door.
  THAW_ASSIGN(fd, unix_stream(SOCK_NONBLOCK));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(address.bytes), address.size) != 0 ||
      listen(fd.get(), 1) != 0)
    return errno_error("cannot listen for the app");
  return fd;
}

}  // namespace

Relay::Relay(policy::Policies policies)
    : policies_(std::move(policies)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake();
  thread_.join();
}

void Relay::wake() const {
  eventfd_write(wake_.get(), 1);
}

bool Relay::wants(const std::string& address) const {
  return policies_.find(policy::Type::socket, address) == policy::Action::replay;
}

Result<fd::SocketAddress> Relay::open_door(pid_t app, pid_t tid, const fd::SocketAddress& server) {
  if (server.size < kNameBegins + 1 + kShortestName)
    return Error{0, "the address is too short for another one in its place"};
  THAW_ASSIGN(connection, unix_stream());
  THAW_TRY(as_thread(tid, [&]() -> Result<void> {
    if (connect(connection.get(), reinterpret_cast<const sockaddr*>(server.bytes), server.size) ==
        0)
      return {};
    return errno_error("cannot connect");
  }));
  const fd::SocketAddress name = random_name(server.size);
  THAW_ASSIGN(door, listen_at(name));
  {
    const std::lock_guard lock(mutex_);
    channels_.push_back(
        std::make_unique<Channel>(app, std::move(door), name, std::move(connection), server));
  }
  wake();
  return name;
}

void Relay::close_door(const fd::SocketAddress& door) {
  const std::lock_guard lock(mutex_);
  std::erase_if(channels_, [&door](const auto& channel) { return channel->is_door(door); });
}

void Relay::hold(bool held) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& channel : channels_) channel->hold(held);
  }
  wake();
}

bool Relay::is_at_rest() {
  const std::lock_guard lock(mutex_);
  return std::all_of(channels_.begin(), channels_.end(),
                     [](const auto& channel) { return channel->is_at_rest(); });
}

void Relay::run() {
  std::vector<pollfd> polls;
  for (;;) {
    polls.assign(1, {wake_.get(), POLLIN, 0});
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      for (const auto& channel : channels_) channel->add_polls(polls);
    }
    poll(polls.data(), polls.size(), -1);
    eventfd_t count = 0;
    eventfd_read(wake_.get(), &count);
    const std::lock_guard lock(mutex_);
    std::erase_if(channels_, [](const auto& channel) { return !channel->step(); });
  }
}

std::unique_ptr<Relay::Known> Relay::known(uint64_t inode, pid_t app,
                                           std::span<const pid_t> others) {
  const std::lock_guard lock(mutex_);
  for (const auto& channel : channels_) {
    if (inode == 0 || channel->inode() != inode) continue;
    channel->drain_app();
    channel->await_answers();
    Result<Recorded> recorded = Error{0, "in a protocol that thaw does not know"};
    if (channel->is_busy())
      recorded = Error{EAGAIN, "with messages on their way", "lengthen `settle`"};
    else if (channel->recorder() != nullptr)
      recorded = channel->recorder()->recorded(app, others, channel->untold());
    wake();
    return std::make_unique<Known>(
        Known{channel->protocol(), channel->server_address(), std::move(recorded)});
  }
  return nullptr;
}

}  // namespace thaw::session
