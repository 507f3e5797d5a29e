// A netlink socket: its address, its groups, and that it still answers.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "fds.h"

static struct sockaddr_nl name_of(int fd) {
  struct sockaddr_nl name;
  socklen_t size = sizeof name;
  NEED(getsockname(fd, (struct sockaddr*)&name, &size));
  return name;
}

/// Asks for the loopback interface and checks the answer's kind.
static void check_answer(int fd) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
  } request = {.header = {sizeof request, RTM_GETLINK, NLM_F_REQUEST, 42, 0},
               .link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex("lo")}};
  NEED(send(fd, &request, sizeof request, 0));
  char answer[8192];
  NEED(recv(fd, answer, sizeof answer, 0));
  const struct nlmsghdr* header = (const struct nlmsghdr*)answer;
  CHECK_EQ("kind of the answer", RTM_NEWLINK, header->nlmsg_type);
  CHECK_EQ("number of the answer", 42, header->nlmsg_seq);
}

static uint32_t peer_groups(int fd) {
  struct sockaddr_nl name;
  socklen_t size = sizeof name;
  NEED(getpeername(fd, (struct sockaddr*)&name, &size));
  return name.nl_groups;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int plain = (int)NEED(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  int grouped = (int)NEED(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE));
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
  NEED(bind(grouped, (struct sockaddr*)&address, sizeof address));
  // Connected to a group, which needs a capability: what it sends goes there.
  int connected = (int)NEED(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  bool may_connect = connect(connected, (struct sockaddr*)&address, sizeof address) == 0;
  app_wait();

  if (may_connect) CHECK_EQ("groups of the peer", RTMGRP_LINK, peer_groups(connected));
  check_answer(plain);
  CHECK_EQ("groups", RTMGRP_LINK, name_of(grouped).nl_groups);
  CHECK_EQ("groups of the plain one", 0, name_of(plain).nl_groups);
  CHECK(fds_closes_on_exec(plain) && !fds_closes_on_exec(grouped));
  check_answer(grouped);
  return 0;
}
