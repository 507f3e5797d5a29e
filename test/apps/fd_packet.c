// Packet sockets: interface, protocol, filter, and the modes that they ask for. As root only.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>

#include "packets.h"

static struct sockaddr_ll name_of(int fd) {
  struct sockaddr_ll name;
  socklen_t size = sizeof name;
  NEED(getsockname(fd, (struct sockaddr*)&name, &size));
  return name;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int plain = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (plain < 0) SKIP("no packet sockets");
  const int loopback = (int)if_nametoindex("lo");
  // Nothing of others' comes by: what passes stands behind the headers of IP and UDP.
  int bound = (int)NEED(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  packets_filter(bound, 28);
  struct sockaddr_ll name = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = loopback};
  NEED(bind(bound, (struct sockaddr*)&name, sizeof name));
  NEED(setsockopt(bound, SOL_PACKET, PACKET_AUXDATA, &(int){1}, sizeof(int)));
  NEED(setsockopt(bound, SOL_PACKET, PACKET_IGNORE_OUTGOING, &(int){1}, sizeof(int)));
  // A multicast address: to make the interface promiscuous is news, which other tests wait for.
  struct packet_mreq group = {.mr_ifindex = loopback,
                              .mr_type = PACKET_MR_MULTICAST,
                              .mr_alen = 6,
                              .mr_address = {1, 0, 0x5e, 1, 2, 3}};
  NEED(setsockopt(bound, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof group));
  app_wait();

  CHECK_EQ("interface", loopback, name_of(bound).sll_ifindex);
  CHECK_EQ("protocol", htons(ETH_P_IP), name_of(bound).sll_protocol);
  CHECK_EQ("interface of an unbound one", 0, name_of(plain).sll_ifindex);
  // An error for who has not asked for it.
  NEED(setsockopt(bound, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &group, sizeof group));
  int value = 0;
  socklen_t size = sizeof value;
  NEED(getsockopt(bound, SOL_PACKET, PACKET_AUXDATA, &value, &size));
  CHECK_EQ("PACKET_AUXDATA", 1, value);
  int sender = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  NEED(sendto(sender, "no, no", 6, 0, (struct sockaddr*)&to, sizeof to));
  NEED(sendto(sender, packets_passed, 4, 0, (struct sockaddr*)&to, sizeof to));
  char packet[128];
  fds_wait_for_data(bound);
  CHECK_EQ("size of the packet that passes", 32, read(bound, packet, sizeof packet));
  CHECK_EQ("its content", 0, memcmp(packet + 28, packets_passed, 4));
  fds_check_empty("others", bound);
  packets_check_filter("filter", bound);
  return 0;
}
