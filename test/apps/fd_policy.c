// Descriptors that only a policy lets pass, one or more for each action: after a launch each of
// them is what its policy says. Those that need none are as they were, whatever pattern matches
// them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fds.h"

static int open_new(const char* name) {
  return (int)NEED(open(app_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

/// Connected to a port where nobody needs to be, from a port that is given, or any.
static int udp_to(uint16_t port, uint16_t own) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(own)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = (int)NEED(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (own != 0) NEED(bind(fd, (struct sockaddr*)&address, sizeof address));
  address.sin_port = htons(port);
  NEED(connect(fd, (struct sockaddr*)&address, sizeof address));
  return fd;
}

/// Connected over TCP to a port of its own that nobody listens on any more; its other end is closed.
static int tcp_to(int domain, uint16_t port) {
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(inet_pton(AF_INET6, "::ffff:127.0.0.1", &six.sin6_addr));
  struct sockaddr* address = domain == AF_INET ? (void*)&four : (void*)&six;
  socklen_t size = domain == AF_INET ? sizeof four : sizeof six;
  int listener = (int)NEED(socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0)), on = 1;
  NEED(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  NEED(bind(listener, address, size));
  NEED(listen(listener, 1));
  int fd = (int)NEED(socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(connect(fd, address, size));
  NEED(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  NEED(close((int)NEED(accept(listener, NULL, NULL))));
  NEED(close(listener));
  return fd;
}

/// As after the other end has closed or reset it: told by epoll, once by an error, then by the end.
static void check_lost(const char* what, int fd, int epoll, int events) {
  struct epoll_event event = {0};
  CHECK_EQ(what, 1, NEED(epoll_wait(epoll, &event, 1, 5000)));
  CHECK_EQ(what, fd, event.data.fd);
  CHECK_EQ(what, events, (int)event.events);
  int on = 0;
  socklen_t size = sizeof on;
  NEED(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size));
  CHECK_EQ(what, 1, on);
  NEED(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  char byte;
  if ((events & EPOLLERR) != 0) {
    struct sockaddr_storage peer;
    size = sizeof peer;
    CHECK_EQ(what, -1, getpeername(fd, (struct sockaddr*)&peer, &size));
    CHECK_EQ(what, ENOTCONN, errno);
    CHECK_EQ(what, -1, recv(fd, &byte, 1, 0));
    CHECK_EQ(what, ECONNRESET, errno);
  } else {
    // The client that writes first sees the end, too.
    CHECK_EQ(what, 1, NEED(send(fd, "x", 1, 0)));
  }
  CHECK_EQ(what, 0, NEED(recv(fd, &byte, 1, 0)));
  CHECK_EQ(what, -1, send(fd, "x", 1, MSG_NOSIGNAL));
  CHECK_EQ(what, EPIPE, errno);
}

/// A new epoll that watches it.
static int watch(int fd) {
  int epoll = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
  return epoll;
}

/// The lock is what needs a policy.
static int locked_fifo(const char* name) {
  if (mkfifo(app_path(name), 0644) != 0) CHECK_EQ("errno of mkfifo", EEXIST, errno);
  int fd = (int)NEED(open(app_path(name), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  NEED(flock(fd, LOCK_EX));
  return fd;
}

/// What comes back without a policy.
struct safe {
  int memory, deleted, pipe[2], pair[2], directory, reader, path_only;
};

static struct safe open_safe(void) {
  struct safe safe;
  safe.memory = (int)NEED(memfd_create("safe", MFD_CLOEXEC));
  fds_write(safe.memory, "memory");
  safe.deleted = open_new("deleted.db");
  NEED(unlink(app_path("deleted.db")));
  fds_write(safe.deleted, "deleted");
  NEED(pipe2(safe.pipe, O_CLOEXEC));
  fds_write(safe.pipe[1], "pipe");
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, safe.pair));
  fds_write(safe.pair[1], "pair");
  safe.directory = (int)NEED(open(app_scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  safe.reader = fds_open_file("reader.db", "reader");
  safe.path_only = (int)NEED(open(app_path("closed.db"), O_PATH | O_CLOEXEC));
  return safe;
}

static void check_safe(const struct safe* safe) {
  NEED(lseek(safe->memory, 0, SEEK_SET));
  fds_check_read("memfd", safe->memory, "memory");
  NEED(lseek(safe->deleted, 0, SEEK_SET));
  fds_check_read("deleted file", safe->deleted, "deleted");
  fds_check_read("pipe", safe->pipe[0], "pipe");
  fds_check_read("socket pair", safe->pair[0], "pair");
  NEED(faccessat(safe->directory, "reader.db", F_OK, 0));
  fds_check_read("file for reading", safe->reader, "reader");
  CHECK((fds_status_flags(safe->path_only) & O_PATH) != 0);
}

static void check_left_out(const char* what, int fd) {
  errno = 0;
  CHECK_EQ(what, -1, fcntl(fd, F_GETFD));
  CHECK_EQ(what, EBADF, errno);
}

static void check_null(const char* what, int fd) {
  struct stat status;
  NEED(fstat(fd, &status));
  CHECK(S_ISCHR(status.st_mode));
  CHECK_EQ(what, makedev(1, 3), status.st_rdev);
}

static void check_end(const char* what, int fd) {
  char byte;
  CHECK_EQ(what, 0, NEED(read(fd, &byte, 1)));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  // A launch corrects a pid that it can tell in memory.
  const unsigned disguise = 0x5a5a5a5a;
  volatile unsigned started = (unsigned)getpid() ^ disguise;
  int closed_file = open_new("closed.db"), ignored_file = open_new("ignored.db");
  int reopened_file = open_new("reopened.db");
  fds_write(reopened_file, "before\n");
  // Read and written by the app: of its policy, too.
  int closed_reader = (int)NEED(open(app_path("closed.db"), O_RDONLY | O_CLOEXEC));
  int named = (int)NEED(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  struct safe safe = open_safe();
  int closed_fifo = locked_fifo("closed.fifo"), ignored_fifo = locked_fifo("ignored.fifo");
  const uint16_t own_port = geteuid() == 0 ? 20011 : 20012;
  int closed_socket = udp_to(9, 0), ignored_socket = udp_to(10, 0);
  int reconnected = udp_to(11, 0), reconnected_from = udp_to(11, own_port);
  const uint16_t ports = geteuid() == 0 ? 20020 : 20030;
  int lost = tcp_to(AF_INET, ports), reset = tcp_to(AF_INET, ports + 1);
  int reset6 = tcp_to(AF_INET6, ports + 2);
  int lost_seen = watch(lost), reset_seen = watch(reset), reset6_seen = watch(reset6);
  int closed_other = (int)syscall(SYS_pidfd_open, getppid(), 0);
  app_wait();

  if ((unsigned)getpid() == (started ^ disguise)) return 0;
  check_null("closed file", closed_file);
  check_end("closed file", closed_file);
  check_null("closed reader of the same file", closed_reader);
  check_left_out("device that a policy names", named);
  check_safe(&safe);
  check_left_out("ignored file", ignored_file);
  fds_write(reopened_file, "after\n");
  char text[32] = "";
  NEED(pread(reopened_file, text, sizeof text - 1, 0));
  CHECK_STR("reopened file", "before\nafter\n", text);
  check_end("closed FIFO", closed_fifo);
  check_left_out("ignored FIFO", ignored_fifo);
  check_left_out("ignored socket", ignored_socket);
  struct sockaddr_in peer = {0};
  socklen_t size = sizeof peer;
  NEED(getpeername(reconnected, (struct sockaddr*)&peer, &size));
  CHECK_EQ("port of a reconnected socket", 11, ntohs(peer.sin_port));
  size = sizeof peer;
  NEED(getsockname(reconnected_from, (struct sockaddr*)&peer, &size));
  CHECK_EQ("own port of a reconnected socket", own_port, ntohs(peer.sin_port));
  size = sizeof peer;
  CHECK_EQ("peer of a closed socket", -1,
           getpeername(closed_socket, (struct sockaddr*)&peer, &size));
  check_lost("closed connection", lost, lost_seen, EPOLLIN);
  check_lost("reset connection", reset, reset_seen, EPOLLIN | EPOLLERR | EPOLLHUP);
  check_lost("reset connection on IPv6", reset6, reset6_seen, EPOLLIN | EPOLLERR | EPOLLHUP);
  if (closed_other >= 0) check_end("closed pidfd", closed_other);
  return 0;
}
