// Listening TCP sockets, IPv4 and IPv6, with their options, and one that is bound but does not
// listen yet.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "fds.h"

struct option {
  int level, name, value;
  const char* text;
};

static const struct option options[] = {
    {SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
    {SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"},
    {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
    {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"},
    {IPPROTO_TCP, TCP_KEEPIDLE, 77, "TCP_KEEPIDLE"},
    {IPPROTO_TCP, TCP_KEEPINTVL, 11, "TCP_KEEPINTVL"},
    {IPPROTO_TCP, TCP_KEEPCNT, 5, "TCP_KEEPCNT"},
    {IPPROTO_TCP, TCP_FASTOPEN, 16, "TCP_FASTOPEN"},
};
enum { kOptions = sizeof options / sizeof *options, kReceiveBuffer = 60000 };

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static union address loopback(int family) {
  union address address = {0};
  address.any.sa_family = (sa_family_t)family;
  if (family == AF_INET)
    address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else
    address.v6.sin6_addr = in6addr_loopback;
  return address;
}

/// A listening socket on a free port; `address` gets the port.
static int listen_on(int family, union address* address) {
  int fd = (int)NEED(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (int i = 0; i < kOptions; i++)
    NEED(setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)));
  NEED(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){kReceiveBuffer}, sizeof(int)));
  if (family == AF_INET6) NEED(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int)));
  socklen_t size = sizeof *address;
  NEED(bind(fd, &address->any, size));
  NEED(listen(fd, 33));
  NEED(getsockname(fd, &address->any, &size));
  return fd;
}

static int get(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  NEED(getsockopt(fd, level, name, &value, &size));
  return value;
}

static void check(int fd, int family, const union address* before) {
  union address address;
  socklen_t size = sizeof address;
  NEED(getsockname(fd, &address.any, &size));
  CHECK_EQ("port", before->v4.sin_port, address.v4.sin_port);  // v6 has it at the same place
  CHECK_EQ("address", 0, memcmp(&address, before, size));
  for (int i = 0; i < kOptions; i++)
    CHECK_EQ(options[i].text, options[i].value, get(fd, options[i].level, options[i].name));
  CHECK_EQ("SO_RCVBUF", 2 * kReceiveBuffer, get(fd, SOL_SOCKET, SO_RCVBUF));
  CHECK_EQ("SO_ACCEPTCONN", 1, get(fd, SOL_SOCKET, SO_ACCEPTCONN));
  if (family == AF_INET6) CHECK_EQ("IPV6_V6ONLY", 1, get(fd, IPPROTO_IPV6, IPV6_V6ONLY));
  struct tcp_info info;
  size = sizeof info;
  NEED(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size));
  CHECK_EQ("backlog", 33, info.tcpi_sacked);  // what TCP_INFO calls it while a socket listens

  int client = (int)NEED(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(connect(client, &address.any, sizeof address));
  int server = (int)NEED(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
  fds_write(client, "question");
  fds_check_read("question", server, "question");
  fds_write(server, "answer");
  fds_check_read("answer", client, "answer");
  // Reset, so that no TIME_WAIT stays behind on the port.
  NEED(setsockopt(client, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)));
  close(client);
  close(server);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  union address v4 = loopback(AF_INET), v6 = loopback(AF_INET6), bound_address = loopback(AF_INET);
  int listener = listen_on(AF_INET, &v4), copy = dup(listener);
  int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool has_v6 = probe >= 0 && bind(probe, &v6.any, sizeof v6) == 0;
  close(probe);
  int listener6 = has_v6 ? listen_on(AF_INET6, &v6) : -1;
  NEED(fcntl(listener, F_SETFL, O_NONBLOCK));
  int bound = (int)NEED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(setsockopt(bound, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)));
  socklen_t size = sizeof bound_address;
  NEED(bind(bound, &bound_address.any, sizeof bound_address.v4));
  NEED(getsockname(bound, &bound_address.any, &size));
  int fresh = (int)NEED(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  app_wait();

  CHECK_EQ("accept with nobody there", -1, accept(copy, NULL, NULL));
  CHECK_EQ("its error", EAGAIN, errno);
  NEED(fcntl(copy, F_SETFL, 0));
  check(listener, AF_INET, &v4);
  if (has_v6) check(listener6, AF_INET6, &v6);
  union address after;
  size = sizeof after;
  NEED(getsockname(bound, &after.any, &size));
  CHECK_EQ("port of a bound socket", bound_address.v4.sin_port, after.v4.sin_port);
  NEED(listen(bound, 1));
  size = sizeof v4.v4;
  int result = connect(fresh, &v4.any, size);
  CHECK(result == 0 || errno == EINPROGRESS);
  return 0;
}
