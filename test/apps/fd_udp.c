// UDP sockets: bound with options, unbound. (A connected one is refused: it has a peer.)
#include <netinet/in.h>
#include <sys/socket.h>

#include "packets.h"

static struct sockaddr_in name_of(int fd) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  NEED(getsockname(fd, (struct sockaddr*)&address, &size));
  return address;
}

static int bound(int flags) {
  int fd = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0));
  NEED(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)));
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  NEED(bind(fd, (struct sockaddr*)&address, sizeof address));
  return fd;
}

static bool has_no_peer(int fd) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  return getpeername(fd, (struct sockaddr*)&address, &size) == -1 && errno == ENOTCONN;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int server = bound(SOCK_NONBLOCK), client = bound(0);
  NEED(setsockopt(server, SOL_SOCKET, SO_BROADCAST, &(int){1}, sizeof(int)));
  NEED(setsockopt(server, IPPROTO_IP, IP_TTL, &(int){9}, sizeof(int)));
  struct sockaddr_in server_address = name_of(server), client_address = name_of(client);
  // At an address that no interface has.
  int foreign = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(setsockopt(foreign, IPPROTO_IP, IP_FREEBIND, &(int){1}, sizeof(int)));
  struct sockaddr_in nowhere = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xcb007109)};
  NEED(bind(foreign, (struct sockaddr*)&nowhere, sizeof nowhere));
  nowhere = name_of(foreign);
  int filtered = bound(SOCK_NONBLOCK);
  packets_filter(filtered, 8);  // Behind the header of UDP.
  struct sockaddr_in filtered_address = name_of(filtered);
  // A pair, and one that sends to itself.
  int pair[2] = {bound(0), bound(0)}, self = bound(0);
  struct sockaddr_in first = name_of(pair[0]), second = name_of(pair[1]), own = name_of(self);
  NEED(connect(pair[0], (struct sockaddr*)&second, sizeof second));
  NEED(connect(pair[1], (struct sockaddr*)&first, sizeof first));
  NEED(connect(self, (struct sockaddr*)&own, sizeof own));
  int unbound = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  app_wait();

  CHECK_EQ("port", server_address.sin_port, name_of(server).sin_port);
  CHECK_EQ("port of the client", client_address.sin_port, name_of(client).sin_port);
  CHECK_EQ("address of an IP_FREEBIND socket", nowhere.sin_addr.s_addr,
           name_of(foreign).sin_addr.s_addr);
  CHECK_EQ("port of an IP_FREEBIND socket", nowhere.sin_port, name_of(foreign).sin_port);
  int value = 0;
  socklen_t size = sizeof value;
  NEED(getsockopt(server, SOL_SOCKET, SO_BROADCAST, &value, &size));
  CHECK_EQ("SO_BROADCAST", 1, value);
  NEED(getsockopt(server, IPPROTO_IP, IP_TTL, &value, &size));
  CHECK_EQ("IP_TTL", 9, value);
  CHECK(has_no_peer(client));
  NEED(connect(client, (struct sockaddr*)&server_address, sizeof server_address));
  fds_write(client, "connected");
  struct sockaddr_in from;
  size = sizeof from;
  char text[32] = "";
  NEED(recvfrom(server, text, sizeof text - 1, 0, (struct sockaddr*)&from, &size));
  CHECK_STR("datagram of a connected socket", "connected", text);
  CHECK_EQ("port of its sender", client_address.sin_port, from.sin_port);
  NEED(sendto(unbound, "unbound", 7, 0, (struct sockaddr*)&server_address, sizeof server_address));
  fds_check_read("datagram of an unbound socket", server, "unbound");
  fds_check_empty("datagrams", server);
  fds_write(pair[0], "to the second");
  fds_check_read("datagram to the second", pair[1], "to the second");
  fds_write(pair[1], "to the first");
  fds_check_read("datagram to the first", pair[0], "to the first");
  fds_write(self, "to itself");
  fds_check_read("datagram to itself", self, "to itself");
  NEED(sendto(unbound, "from others", 11, 0, (struct sockaddr*)&first, sizeof first));
  fds_check_empty("what others send to the pair", pair[0]);
  const char* texts[] = {"no, no", packets_passed, "no, no"};
  for (int i = 0; i < 3; i++)
    NEED(sendto(unbound, texts[i], strlen(texts[i]), 0, (struct sockaddr*)&filtered_address,
                sizeof filtered_address));
  fds_check_read("datagram that passes a filter", filtered, packets_passed);
  fds_check_empty("those that do not", filtered);
  packets_check_filter("filter", filtered);
  return 0;
}
