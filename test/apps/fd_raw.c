// Sockets of IP without connections beside UDP: UDP-Lite, raw ones, those for ping.
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include "packets.h"

enum { kIcmpFilter = 1, kSendCoverage = 10, kLevelUdpLite = 136, kIdentity = 4321 };

static const struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f};

/// -1: this kernel, or these rights, have none.
static int make(int domain, int type, int protocol) {
  return socket(domain, type | SOCK_CLOEXEC, protocol);
}

static struct sockaddr_in name_of(int fd) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  NEED(getsockname(fd, (struct sockaddr*)&address, &size));
  return address;
}

static int get(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  NEED(getsockopt(fd, level, name, &value, &size));
  return value;
}

static void check_udplite(int fd, int port) {
  if (fd < 0) return;
  CHECK_EQ("port of UDP-Lite", port, name_of(fd).sin_port);
  CHECK_EQ("UDPLITE_SEND_CSCOV", 20, get(fd, kLevelUdpLite, kSendCoverage));
  struct sockaddr_in own = name_of(fd);
  NEED(sendto(fd, "lite", 4, 0, (struct sockaddr*)&own, sizeof own));
  fds_check_read("datagram of UDP-Lite", fd, "lite");
}

static void send_echo(int fd, uint16_t id) {
  struct {
    struct icmphdr header;
    char text[4];
  } echo = {.header = {.type = ICMP_ECHO, .un.echo = {.id = htons(id), .sequence = 7}},
            .text = "ping"};
  uint32_t sum = 0;
  for (size_t i = 0; i < sizeof echo / 2; i++) sum += ((uint16_t*)&echo)[i];
  sum = (sum & 0xffff) + (sum >> 16);
  echo.header.checksum = (uint16_t) ~(sum + (sum >> 16));
  NEED(sendto(fd, &echo, sizeof echo, 0, (const struct sockaddr*)&loopback, sizeof loopback));
}

/// Its filter lets answers pass, and not the questions, which come by as well.
static void check_raw(int fd) {
  if (fd < 0) return;
  CHECK_EQ("ICMP_FILTER", ~(1 << ICMP_ECHOREPLY), get(fd, SOL_RAW, kIcmpFilter));
  CHECK_EQ("address of a raw socket", loopback.sin_addr.s_addr, name_of(fd).sin_addr.s_addr);
  send_echo(fd, kIdentity);
  struct {
    struct iphdr ip;
    struct icmphdr icmp;
    char rest[64];
  } answer;
  NEED(recv(fd, &answer, sizeof answer, 0));
  CHECK_EQ("type of the answer", ICMP_ECHOREPLY, answer.icmp.type);
  CHECK_EQ("its identity", htons(kIdentity), answer.icmp.un.echo.id);
}

static void check_ping(int fd, int identity) {
  if (fd < 0) return;
  CHECK_EQ("identity of a ping socket", identity, name_of(fd).sin_port);
  send_echo(fd, 0);
  struct icmphdr answer;
  NEED(recv(fd, &answer, sizeof answer, 0));
  CHECK_EQ("type of the answer to a ping", ICMP_ECHOREPLY, answer.type);
}

static void check_raw6(int fd, const struct icmp6_filter* wanted) {
  if (fd < 0) return;
  struct icmp6_filter filter;
  socklen_t size = sizeof filter;
  NEED(getsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, &size));
  CHECK_EQ("ICMP6_FILTER", 0, memcmp(wanted, &filter, sizeof filter));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int lite = make(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), port = 0;
  if (lite >= 0) {
    NEED(setsockopt(lite, kLevelUdpLite, kSendCoverage, &(int){20}, sizeof(int)));
    NEED(bind(lite, (const struct sockaddr*)&loopback, sizeof loopback));
    port = name_of(lite).sin_port;
  }
  int raw = make(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  if (raw >= 0) {
    NEED(setsockopt(raw, SOL_RAW, kIcmpFilter, &(int){~(1 << ICMP_ECHOREPLY)}, sizeof(int)));
    NEED(bind(raw, (const struct sockaddr*)&loopback, sizeof loopback));
  }
  int sender = make(AF_INET, SOCK_RAW, IPPROTO_RAW);
  int raw6 = make(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  struct icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
  if (raw6 >= 0) NEED(setsockopt(raw6, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
  int ping = make(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), identity = 0;
  if (ping >= 0) {
    NEED(bind(ping, (const struct sockaddr*)&loopback, sizeof loopback));
    identity = name_of(ping).sin_port;
  }
  app_wait();
  check_udplite(lite, port);
  check_raw(raw);
  check_raw6(raw6, &filter);
  check_ping(ping, identity);
  if (sender >= 0) CHECK_EQ("IP_HDRINCL", 1, get(sender, IPPROTO_IP, IP_HDRINCL));
  return 0;
}
