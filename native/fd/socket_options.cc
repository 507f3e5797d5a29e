#include "fd/socket_options.h"

#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>

#include "fd/socket.h"

namespace thaw::fd {
namespace {

/// How the value is read, kept and set.
enum class Form : uint8_t {
  plain,           ///< bytes
  text,            ///< a string, its length is part of the call
  interface,       ///< an interface's number, kept as its name: numbers change with a boot
  interface_be,    ///< the same in network byte order
  receive_buffer,  ///< doubled by the kernel; set only if the app had locked its size
  send_buffer,
  idle_stream,  ///< datagram sockets and connections change it by themselves
};

struct Row {
  int level;
  int name;
  uint32_t size;
  OptionPhase phase;
  Form form;
  const char* label;
};

constexpr auto kFirst = OptionPhase::before_bind;
constexpr auto kLast = OptionPhase::last;
constexpr uint32_t kInt = sizeof(int);
constexpr uint32_t kName = 16;
constexpr uint32_t kMessageTypes = 32;  ///< a bit for each type of ICMPv6

// Younger than the oldest headers that we build with. Values of <asm-generic/socket.h> and
// <linux/in*.h>.
constexpr int kSoPassPidFd = 76, kSoRcvPriority = 82, kSoPassRights = 83, kSoInq = 84;
// Values of <linux/icmp.h> and <linux/udp.h>, whose other words are those of libc's headers too.
constexpr int ICMP_FILTER = 1, UDPLITE_SEND_CSCOV = 10, UDPLITE_RECV_CSCOV = 11, SOL_UDPLITE = 136;
constexpr int kIpRecvErrRfc4884 = 26, kIpLocalPortRange = 51;
constexpr int kIpv6MulticastAll = 29, kIpv6RecvErrRfc4884 = 31, kIpv6RecvFragSize = 77,
              kIpv6FreeBind = 78;
constexpr int kPacketVnetHdrSz = 24;  // <linux/if_packet.h>

#define ROW(level, name, size, phase, form) \
  { level, name, size, phase, Form::form, #name }

/// In the order in which they are set: IP_TOS changes SO_PRIORITY, and a buffer locked by SO_RCVBUF
/// is left alone by SO_RCVLOWAT.
constexpr Row kRows[] = {
    ROW(SOL_SOCKET, SO_REUSEADDR, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_REUSEPORT, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_BINDTODEVICE, kName, kFirst, text),
    ROW(SOL_SOCKET, SO_RCVBUF, kInt, kFirst, receive_buffer),
    ROW(SOL_SOCKET, SO_SNDBUF, kInt, kFirst, send_buffer),
    ROW(SOL_SOCKET, SO_KEEPALIVE, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_BROADCAST, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_OOBINLINE, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_DONTROUTE, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_NO_CHECK, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_LINGER, sizeof(linger), kFirst, plain),
    ROW(SOL_SOCKET, SO_RCVTIMEO, sizeof(timeval), kFirst, plain),
    ROW(SOL_SOCKET, SO_SNDTIMEO, sizeof(timeval), kFirst, plain),
    ROW(SOL_SOCKET, SO_MARK, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_PASSCRED, kInt, kLast, plain),
    ROW(SOL_SOCKET, SO_PASSSEC, kInt, kLast, plain),
    ROW(SOL_SOCKET, kSoPassPidFd, kInt, kLast, plain),
    ROW(SOL_SOCKET, kSoPassRights, kInt, kLast, plain),
    ROW(SOL_SOCKET, kSoInq, kInt, kLast, plain),
    ROW(SOL_SOCKET, SO_TIMESTAMP, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_TIMESTAMPNS, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_TIMESTAMPING, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_RXQ_OVFL, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_SELECT_ERR_QUEUE, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_BUSY_POLL, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_PREFER_BUSY_POLL, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_BUSY_POLL_BUDGET, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_MAX_PACING_RATE, sizeof(long), kFirst, plain),
    ROW(SOL_SOCKET, SO_ZEROCOPY, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_TXTIME, 8, kFirst, plain),
    ROW(SOL_SOCKET, SO_RESERVE_MEM, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_RCVMARK, kInt, kFirst, plain),
    ROW(SOL_SOCKET, kSoRcvPriority, kInt, kFirst, plain),
    ROW(SOL_SOCKET, SO_INCOMING_CPU, kInt, kLast, idle_stream),
    ROW(SOL_SOCKET, SO_RCVLOWAT, kInt, kLast, plain),
    ROW(SOL_SOCKET, SO_PEEK_OFF, kInt, kLast, plain),

    ROW(SOL_IP, IP_TOS, kInt, kFirst, plain),
    ROW(SOL_IP, IP_TTL, kInt, kFirst, plain),
    ROW(SOL_IP, IP_FREEBIND, kInt, kFirst, plain),
    ROW(SOL_IP, IP_TRANSPARENT, kInt, kFirst, plain),
    ROW(SOL_IP, IP_BIND_ADDRESS_NO_PORT, kInt, kFirst, plain),
    ROW(SOL_IP, kIpLocalPortRange, kInt, kFirst, plain),
    ROW(SOL_IP, IP_MTU_DISCOVER, kInt, kFirst, plain),
    ROW(SOL_IP, IP_MINTTL, kInt, kFirst, plain),
    ROW(SOL_IP, IP_HDRINCL, kInt, kFirst, plain),
    ROW(SOL_IP, IP_NODEFRAG, kInt, kFirst, plain),
    ROW(SOL_IP, IP_RECVERR, kInt, kFirst, plain),
    ROW(SOL_IP, kIpRecvErrRfc4884, kInt, kFirst, plain),
    ROW(SOL_IP, IP_PKTINFO, kInt, kFirst, plain),
    ROW(SOL_IP, IP_RECVOPTS, kInt, kFirst, plain),
    ROW(SOL_IP, IP_RETOPTS, kInt, kFirst, plain),
    ROW(SOL_IP, IP_RECVTTL, kInt, kFirst, plain),
    ROW(SOL_IP, IP_RECVTOS, kInt, kFirst, plain),
    ROW(SOL_IP, IP_RECVORIGDSTADDR, kInt, kFirst, plain),
    ROW(SOL_IP, IP_RECVFRAGSIZE, kInt, kFirst, plain),
    ROW(SOL_IP, IP_CHECKSUM, kInt, kFirst, plain),
    ROW(SOL_IP, IP_PASSSEC, kInt, kFirst, plain),
    ROW(SOL_IP, IP_MULTICAST_TTL, kInt, kFirst, plain),
    ROW(SOL_IP, IP_MULTICAST_LOOP, kInt, kFirst, plain),
    ROW(SOL_IP, IP_MULTICAST_ALL, kInt, kFirst, plain),
    ROW(SOL_IP, IP_MULTICAST_IF, sizeof(in_addr), kFirst, plain),
    ROW(SOL_IP, IP_UNICAST_IF, kInt, kFirst, interface_be),

    ROW(SOL_IPV6, IPV6_V6ONLY, kInt, kFirst, plain),
    ROW(SOL_IPV6, kIpv6FreeBind, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_TRANSPARENT, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_TCLASS, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_UNICAST_HOPS, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_MINHOPCOUNT, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_MTU_DISCOVER, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_DONTFRAG, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_AUTOFLOWLABEL, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_ADDR_PREFERENCES, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVERR, kInt, kFirst, plain),
    ROW(SOL_IPV6, kIpv6RecvErrRfc4884, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVPKTINFO, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVHOPLIMIT, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVTCLASS, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVRTHDR, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVHOPOPTS, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVDSTOPTS, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVPATHMTU, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_RECVORIGDSTADDR, kInt, kFirst, plain),
    ROW(SOL_IPV6, kIpv6RecvFragSize, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_MULTICAST_HOPS, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_MULTICAST_LOOP, kInt, kFirst, plain),
    ROW(SOL_IPV6, kIpv6MulticastAll, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_MULTICAST_IF, kInt, kFirst, interface),
    ROW(SOL_IPV6, IPV6_UNICAST_IF, kInt, kFirst, interface_be),
    ROW(SOL_SOCKET, SO_PRIORITY, kInt, kFirst, plain),

    ROW(SOL_TCP, TCP_NODELAY, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_CORK, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_MAXSEG, kInt, kFirst, idle_stream),
    ROW(SOL_TCP, TCP_CONGESTION, kName, kFirst, text),
    ROW(SOL_TCP, TCP_KEEPIDLE, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_KEEPINTVL, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_KEEPCNT, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_SYNCNT, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_LINGER2, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_WINDOW_CLAMP, kInt, kFirst, idle_stream),
    ROW(SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_USER_TIMEOUT, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_NOTSENT_LOWAT, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_SAVE_SYN, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_FASTOPEN_CONNECT, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_FASTOPEN_NO_COOKIE, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_INQ, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_TX_DELAY, kInt, kFirst, plain),
    ROW(SOL_TCP, TCP_DEFER_ACCEPT, kInt, kLast, plain),
    ROW(SOL_TCP, TCP_FASTOPEN, kInt, kLast, plain),

    ROW(SOL_UDP, UDP_NO_CHECK6_TX, kInt, kFirst, plain),
    ROW(SOL_UDP, UDP_NO_CHECK6_RX, kInt, kFirst, plain),
    ROW(SOL_UDP, UDP_SEGMENT, kInt, kFirst, plain),
    ROW(SOL_UDP, UDP_GRO, kInt, kFirst, plain),
    ROW(SOL_UDP, UDP_ENCAP, kInt, kFirst, plain),
    ROW(SOL_UDP, UDP_CORK, kInt, kLast, plain),

    ROW(SOL_UDPLITE, UDPLITE_SEND_CSCOV, kInt, kFirst, plain),
    ROW(SOL_UDPLITE, UDPLITE_RECV_CSCOV, kInt, kFirst, plain),
    ROW(SOL_RAW, ICMP_FILTER, kInt, kFirst, plain),
    ROW(SOL_ICMPV6, ICMP6_FILTER, kMessageTypes, kFirst, plain),
    ROW(SOL_IPV6, IPV6_CHECKSUM, kInt, kFirst, plain),
    ROW(SOL_IPV6, IPV6_HDRINCL, kInt, kFirst, plain),

    ROW(SOL_PACKET, PACKET_VERSION, kInt, kFirst, plain),
    ROW(SOL_PACKET, PACKET_RESERVE, kInt, kFirst, plain),
    ROW(SOL_PACKET, PACKET_AUXDATA, kInt, kFirst, plain),
    ROW(SOL_PACKET, PACKET_ORIGDEV, kInt, kFirst, plain),
    ROW(SOL_PACKET, PACKET_LOSS, kInt, kFirst, plain),
    ROW(SOL_PACKET, PACKET_VNET_HDR, kInt, kFirst, plain),
    ROW(SOL_PACKET, kPacketVnetHdrSz, kInt, kFirst, plain),
    ROW(SOL_PACKET, PACKET_TIMESTAMP, kInt, kFirst, plain),
    ROW(SOL_PACKET, PACKET_QDISC_BYPASS, kInt, kFirst, plain),
    ROW(SOL_PACKET, PACKET_IGNORE_OUTGOING, kInt, kFirst, plain),

    ROW(SOL_NETLINK, NETLINK_PKTINFO, kInt, kFirst, plain),
    ROW(SOL_NETLINK, NETLINK_BROADCAST_ERROR, kInt, kFirst, plain),
    ROW(SOL_NETLINK, NETLINK_NO_ENOBUFS, kInt, kFirst, plain),
    ROW(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, kInt, kFirst, plain),
    ROW(SOL_NETLINK, NETLINK_CAP_ACK, kInt, kFirst, plain),
    ROW(SOL_NETLINK, NETLINK_EXT_ACK, kInt, kFirst, plain),
    ROW(SOL_NETLINK, NETLINK_GET_STRICT_CHK, kInt, kFirst, plain),
};
#undef ROW

static_assert(kName <= sizeof(SocketOption::value) &&
              kMessageTypes <= sizeof(SocketOption::value) &&
              sizeof(timeval) <= sizeof(SocketOption::value));

bool keeps_interface(Form form) {
  return form == Form::interface || form == Form::interface_be;
}

/// Bytes that the record keeps for a row.
uint32_t kept_size(const Row& row) {
  return keeps_interface(row.form) ? kName : row.size;
}

const Row* find_row(const SocketOption& option) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&option](const Row& r) {
    return r.level == option.level && r.name == option.name;
  });
  return row == std::end(kRows) ? nullptr : row;
}

/// Reads a row's value as the kernel gives it; false if this socket has no such option.
bool read_raw(int fd, const Row& row, SocketOption& out) {
  out = {row.level, row.name, row.size, {}};
  socklen_t size = row.size;
  return getsockopt(fd, row.level, row.name, out.value, &size) == 0 && size <= row.size;
}

/// Turns an interface's number into its name; false if it has gone.
bool name_interface(int fd, const Row& row, SocketOption& option) {
  ifreq request = {};
  int32_t number = 0;
  std::memcpy(&number, option.value, sizeof(number));
  request.ifr_ifindex = row.form == Form::interface_be
                            ? static_cast<int>(ntohl(static_cast<uint32_t>(number)))
                            : number;
  std::memset(option.value, 0, sizeof(option.value));
  option.size = kName;
  if (request.ifr_ifindex == 0) return true;
  if (ioctl(fd, SIOCGIFNAME, &request) != 0) return false;
  std::memcpy(option.value, request.ifr_name, sizeof(request.ifr_name));
  return true;
}

/// Whether the app set the buffer's size itself. Without SO_BUF_LOCK (before 5.14): whether it is
/// not the default.
bool buffer_locked(int fd, Form form, bool differs) {
  int lock = 0;
  socklen_t size = sizeof(lock);
  if (getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &lock, &size) != 0) return differs;
  return (lock & (form == Form::receive_buffer ? 2 : 1)) != 0;
}

bool is_idle_stream(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  return getsockopt(fd, SOL_TCP, TCP_INFO, &info, &size) == 0 &&
         (info.tcpi_state == TCP_LISTEN || info.tcpi_state == TCP_CLOSE);
}

/// Streams cannot set these, and one that was accepted has what its peer's SYN had.
bool is_senseless(int fd, const Row& row) {
  const bool multicast =
      (row.level == SOL_IP && (row.name == IP_MULTICAST_TTL || row.name == IP_MULTICAST_IF)) ||
      (row.level == SOL_IPV6 && (row.name == IPV6_MULTICAST_HOPS || row.name == IPV6_MULTICAST_IF));
  return multicast && socket_option(fd, SO_TYPE, -1) == SOCK_STREAM;
}

bool worth_keeping(int fd, const Row& row, const SocketOption& now, const SocketOption& fresh) {
  const bool differs = std::memcmp(now.value, fresh.value, sizeof(now.value)) != 0;
  if (row.form == Form::receive_buffer || row.form == Form::send_buffer)
    return buffer_locked(fd, row.form, differs);
  return differs && (row.form != Form::idle_stream || is_idle_stream(fd));
}

Error option_error(const Row& row) {
  const char* remedy =
      errno == EPERM || errno == EACCES ? "it needs a capability that this launch has not" : "";
  return errno_error(std::string("cannot set socket option ") + row.label, remedy);
}

/// The kernel doubles what it is given. What it cuts at {r,w}mem_max is set with privilege where
/// there is one, and left at the maximum otherwise: a cold start would get no more.
Result<void> set_buffer(int fd, const Row& row, const SocketOption& option) {
  int wanted = 0;
  int got = 0;
  std::memcpy(&wanted, option.value, sizeof(wanted));
  const int half = wanted / 2;
  if (setsockopt(fd, row.level, row.name, &half, sizeof(half)) != 0) return option_error(row);
  socklen_t size = sizeof(got);
  if (getsockopt(fd, row.level, row.name, &got, &size) == 0 && got >= wanted) return {};
  const int force = row.form == Form::receive_buffer ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
  if (setsockopt(fd, SOL_SOCKET, force, &half, sizeof(half)) != 0 && errno != EPERM)
    return option_error(row);
  return {};
}

Result<void> set_interface(int fd, const Row& row, const SocketOption& option) {
  ifreq request = {};
  std::memcpy(request.ifr_name, option.value, sizeof(request.ifr_name) - 1);
  if (request.ifr_name[0] != '\0' && ioctl(fd, SIOCGIFINDEX, &request) != 0)
    return errno_error(std::string("no network interface ") + request.ifr_name +
                       " for socket option " + row.label);
  int number = request.ifr_name[0] == '\0' ? 0 : request.ifr_ifindex;
  if (row.form == Form::interface_be)
    number = static_cast<int>(htonl(static_cast<uint32_t>(number)));
  if (setsockopt(fd, row.level, row.name, &number, sizeof(number)) != 0) return option_error(row);
  return {};
}

Result<void> set_option(int fd, const Row& row, const SocketOption& option) {
  if (keeps_interface(row.form)) return set_interface(fd, row, option);
  if (row.form == Form::receive_buffer || row.form == Form::send_buffer)
    return set_buffer(fd, row, option);
  const auto* text = reinterpret_cast<const char*>(option.value);
  const size_t size = row.form == Form::text ? strnlen(text, option.size) : option.size;
  if (setsockopt(fd, row.level, row.name, option.value, static_cast<socklen_t>(size)) != 0)
    return option_error(row);
  return {};
}

}  // namespace

Result<void> read_options(int fd, int fresh, SocketOptions& out) {
  out.count = 0;
  for (const Row& row : kRows) {
    SocketOption now;
    SocketOption reference;
    if (!read_raw(fd, row, now) || !read_raw(fresh, row, reference)) continue;
    if (!worth_keeping(fd, row, now, reference) || is_senseless(fd, row)) continue;
    if (keeps_interface(row.form) && !name_interface(fd, row, now))
      return errno_error(std::string("socket option ") + row.label +
                         " names a network interface that has gone");
    if (out.count == SocketOptions::kMax)
      return Error{E2BIG, "the socket has too many options set"};
    out.rows[out.count++] = now;
  }
  return {};
}

Result<void> apply_options(int fd, const SocketOptions& options, OptionPhase phase) {
  for (uint32_t i = 0; i < options.count; ++i) {
    const Row* row = find_row(options.rows[i]);
    if (row == nullptr || row->phase != phase) continue;
    THAW_TRY(set_option(fd, *row, options.rows[i]));
  }
  return {};
}

const char* validate_options(const SocketOptions& options) {
  if (options.count > SocketOptions::kMax) return "a socket has too many options";
  for (uint32_t i = 0; i < options.count; ++i) {
    const Row* row = find_row(options.rows[i]);
    if (row == nullptr || options.rows[i].size != kept_size(*row))
      return "a socket has an unknown option";
  }
  return nullptr;
}

}  // namespace thaw::fd
