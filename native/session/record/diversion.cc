#include "session/record/diversion.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "fd/socket.h"
#include "proc/memory.h"

namespace thaw::session {
namespace {

bool is_of_process(pid_t tid, pid_t process) {
  const std::string task = "/proc/" + std::to_string(process) + "/task/" + std::to_string(tid);
  return access(task.c_str(), F_OK) == 0;
}

/// Abstract names are those of a network namespace.
bool shares_network(pid_t tid) {
  struct stat own = {}, its = {};
  return stat("/proc/self/ns/net", &own) == 0 &&
         stat(("/proc/" + std::to_string(tid) + "/ns/net").c_str(), &its) == 0 &&
         own.st_dev == its.st_dev && own.st_ino == its.st_ino;
}

bool is_stream(pid_t app, int number) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, app, 0)));
  const UniqueFd copy(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), number, 0)));
  return copy.valid() && fd::socket_option(copy.get(), SO_TYPE, -1) == SOCK_STREAM;
}

/// What connect(2) is given, if it is a unix socket of an absolute path or abstract name.
bool read_address(pid_t tid, uint64_t at, uint64_t size, fd::SocketAddress& address) {
  if (size <= sizeof(sa_family_t) || size > sizeof(sockaddr_un)) return false;
  address.size = static_cast<uint32_t>(size);
  if (!proc::read_memory(tid, at, address.bytes, size) || address.family() != AF_UNIX) return false;
  const std::string text = fd::address_text(address);
  return text.starts_with('/') || text.starts_with('@');
}

}  // namespace

void Diversion::enter(pid_t tid, long number, const uint64_t* arguments) {
  if (relay_ == nullptr || number != SYS_connect || !is_of_process(tid, app_)) return;
  Diverted call;
  call.at = arguments[1];
  if (!read_address(tid, arguments[1], arguments[2], call.server) ||
      !relay_->wants(fd::address_text(call.server)) || !shares_network(tid) ||
      !is_stream(app_, static_cast<int>(arguments[0])))
    return;
  // A server that is not there is the app's own affair, and so is memory that it cannot write.
  auto door = relay_->open_door(app_, tid, call.server);
  if (!door) return;
  call.door = door.value();
  if (proc::write_memory(tid, call.at, call.door.bytes, call.door.size))
    diverted_[tid] = call;
  else
    relay_->close_door(call.door);
}

Diversion::~Diversion() {
  for (const auto& [tid, call] : diverted_) put_back(tid, call);
}

void Diversion::put_back(pid_t tid, const Diverted& call) {
  (void)proc::write_memory(tid, call.at, call.server.bytes, call.server.size).ok();
}

void Diversion::leave(pid_t tid, int64_t result) {
  const auto found = diverted_.find(tid);
  if (found == diverted_.end()) return;
  const Diverted& call = found->second;
  put_back(tid, call);
  if (result != 0) relay_->close_door(call.door);
  diverted_.erase(found);
}

}  // namespace thaw::session
