#include "inputs/call_observer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "support/file.h"

namespace thaw::inputs {
namespace {

using Kind = KeptCall::Kind;

template <typename T>
bool copy(pid_t tid, uint64_t address, T& to) {
  iovec own = {&to, sizeof(to)};
  iovec its = {reinterpret_cast<void*>(static_cast<uintptr_t>(address)), sizeof(to)};
  return process_vm_readv(tid, &own, 1, &its, 1, 0) == ssize_t{sizeof(to)};
}

/// it_value of a struct itimerspec, whose fields have the type T.
template <typename T>
uint64_t expiry_at(pid_t tid, uint64_t address) {
  T fields[4] = {};  // Interval, value: seconds and nanoseconds of each.
  if (!copy(tid, address, fields)) return 0;
  // The upper half of 64 bits of nanoseconds may be padding that nobody has set.
  return static_cast<uint64_t>(fields[2]) * 1'000'000'000 + static_cast<uint32_t>(fields[3]);
}

bool names_port(pid_t tid, uint64_t address) {
  sockaddr_in name = {};  // The port stands at the same place in sockaddr_in6.
  return copy(tid, address, name) && (name.sin_family == AF_INET || name.sin_family == AF_INET6) &&
         name.sin_port != 0;
}

/// Options of sockets that getsockopt(2) does not have.
struct HiddenOption {
  int level, option;
  const char* name;
};
constexpr HiddenOption kHiddenOptions[] = {
    {SOL_SOCKET, 51, "SO_ATTACH_REUSEPORT_CBPF"},
    {SOL_SOCKET, 52, "SO_ATTACH_REUSEPORT_EBPF"},
    {IPPROTO_IP, IP_ROUTER_ALERT, "IP_ROUTER_ALERT"},
    {IPPROTO_IPV6, IPV6_ROUTER_ALERT, "IPV6_ROUTER_ALERT"},
    {IPPROTO_IP, IP_IPSEC_POLICY, "IP_IPSEC_POLICY"},
    {IPPROTO_IP, IP_XFRM_POLICY, "IP_XFRM_POLICY"},
    {IPPROTO_IPV6, IPV6_IPSEC_POLICY, "IPV6_IPSEC_POLICY"},
    {IPPROTO_IPV6, IPV6_XFRM_POLICY, "IPV6_XFRM_POLICY"},
    {IPPROTO_IP, 200, "MRT_INIT"},
    {IPPROTO_IPV6, 200, "MRT6_INIT"},
    {IPPROTO_TCP, TCP_MD5SIG, "TCP_MD5SIG"},
    {IPPROTO_TCP, 32, "TCP_MD5SIG_EXT"},
    {IPPROTO_TCP, 38, "TCP_AO_ADD_KEY"},
};

const HiddenOption* hidden_option(uint64_t level, uint64_t option) {
  const auto* end = std::end(kHiddenOptions);
  const auto* found = std::find_if(std::begin(kHiddenOptions), end, [&](const HiddenOption& one) {
    return static_cast<int>(level) == one.level && static_cast<int>(option) == one.option;
  });
  return found == end ? nullptr : found;
}

Kind kind_of(long number, const uint64_t* arguments) {
  switch (number) {
    case SYS_timer_settime:
      return Kind::arm;
#ifdef SYS_timer_settime64
    case SYS_timer_settime64:
      return Kind::arm_64;
#endif
    case SYS_timer_delete:
      return Kind::disarm;
    case SYS_bind:
      return Kind::bind;
    case SYS_setsockopt:
      return hidden_option(arguments[1], arguments[2]) != nullptr ? Kind::hide : Kind::none;
    case SYS_semget:
      return Kind::semaphores;
    case SYS_msgget:
      return Kind::message_queue;
    case SYS_prctl:
      return static_cast<uint32_t>(arguments[0]) == PR_SET_PTRACER ? Kind::tracer : Kind::none;
    default:
      return Kind::none;
  }
}

/// Of the socket with that number; 0: it is none (any more).
uint64_t socket_inode(pid_t tid, int fd) {
  constexpr std::string_view kSocket = "socket:[";
  auto link = read_link("/proc/" + std::to_string(tid) + "/fd/" + std::to_string(fd));
  if (!link || !link.value().starts_with(kSocket)) return 0;
  return number(split(std::string_view(link.value()).substr(kSocket.size()), "]")[0]);
}

pid_t process_of(pid_t tid) {
  auto status = read_file("/proc/" + std::to_string(tid) + "/status");
  return status ? static_cast<pid_t>(number(line_value(status.value(), "Tgid:"))) : tid;
}

}  // namespace

KeptCall CallObserver::enter(pid_t tid, long number, const uint64_t* arguments) const {
  KeptCall call;
  call.kind = kind_of(number, arguments);
  if (call.kind == Kind::none) return call;
  call.number = static_cast<int>(arguments[0]);
  const bool absolute = (arguments[1] & TIMER_ABSTIME) != 0;
  if (call.kind == Kind::arm && absolute) call.value = expiry_at<long>(tid, arguments[2]);
  if (call.kind == Kind::arm_64 && absolute) call.value = expiry_at<int64_t>(tid, arguments[2]);
  if (call.kind == Kind::tracer) call.value = arguments[1];
  if (call.kind == Kind::hide)
    call.value = static_cast<uint64_t>(hidden_option(arguments[1], arguments[2]) - kHiddenOptions);
  if (call.kind == Kind::bind && !names_port(tid, arguments[1])) call.kind = Kind::none;
  return call;
}

void CallObserver::leave(pid_t tid, const KeptCall& call, int64_t result) {
  if (call.kind == Kind::none || result < 0) return;
  const std::pair timer(process_of(tid), call.number);
  switch (call.kind) {
    case Kind::arm:
    case Kind::arm_64:
    case Kind::disarm:
      seen_.absolute_timers.erase(timer);
      if (call.value != 0) seen_.absolute_timers[timer] = call.value;
      break;
    case Kind::bind:
      seen_.bound_sockets.insert(socket_inode(tid, call.number));
      break;
    case Kind::hide:
      seen_.hidden_options[socket_inode(tid, call.number)] = kHiddenOptions[call.value].name;
      break;
    case Kind::tracer:
      // PR_SET_PTRACER_ANY is all ones in a word of the app's.
      seen_.tracers[process_of(tid)] = static_cast<long>(call.value);
      break;
    case Kind::semaphores:
      seen_.semaphores.insert(static_cast<int>(result));
      break;
    case Kind::message_queue:
      seen_.message_queues.insert(static_cast<int>(result));
      break;
    case Kind::none:
      break;
  }
}

void CallObserver::executed(pid_t tid) {
  std::erase_if(seen_.absolute_timers,
                [tid](const auto& timer) { return timer.first.first == tid; });
}

}  // namespace thaw::inputs
