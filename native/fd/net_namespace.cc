#include "fd/net_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>

namespace thaw::fd {
namespace {

Result<UniqueFd> make(int domain, int type, int protocol) {
  UniqueFd fd(socket(domain, type | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return errno_error("cannot make a socket to compare the app's sockets with");
  return fd;
}

Result<UniqueFd> make_elsewhere(int home, int there, int domain, int type, int protocol) {
  if (setns(there, CLONE_NEWNET) != 0)
    return errno_error("the app is in another network namespace",
                       "run thaw inside it (ip netns exec) or as root");
  auto made = make(domain, type, protocol);
  // A thread stuck in the app's namespace would do its later work in the wrong place.
  if (setns(home, CLONE_NEWNET) != 0) std::abort();
  return made;
}

}  // namespace

Result<UniqueFd> socket_in_namespace(pid_t pid, int domain, int type, int protocol) {
  UniqueFd home(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  UniqueFd there(open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  if (!home.valid() || !there.valid())
    return errno_error("cannot open the app's network namespace");
  struct stat ours = {};
  struct stat theirs = {};
  if (fstat(home.get(), &ours) != 0 || fstat(there.get(), &theirs) != 0)
    return errno_error("cannot stat the app's network namespace");
  if (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev)
    return make(domain, type, protocol);
  return make_elsewhere(home.get(), there.get(), domain, type, protocol);
}

bool same_namespace(int a, int b) {
  uint64_t first = 0;
  uint64_t second = 0;
  socklen_t size = sizeof(first);
  if (getsockopt(a, SOL_SOCKET, SO_NETNS_COOKIE, &first, &size) != 0) return true;
  size = sizeof(second);
  if (getsockopt(b, SOL_SOCKET, SO_NETNS_COOKIE, &second, &size) != 0) return true;
  return first == second;
}

}  // namespace thaw::fd
