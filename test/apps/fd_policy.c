// Descriptors that only a policy lets pass, one or more for each action: after a launch each of
// them is what its policy says.
#include <netinet/in.h>
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

static int fifo(const char* name) {
  if (mkfifo(app_path(name), 0644) != 0) CHECK_EQ("errno of mkfifo", EEXIST, errno);
  return (int)NEED(open(app_path(name), O_RDWR | O_NONBLOCK | O_CLOEXEC));
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
  pid_t started = getpid();
  int closed_file = open_new("closed.db"), ignored_file = open_new("ignored.db");
  int reopened_file = open_new("reopened.db");
  fds_write(reopened_file, "before\n");
  int closed_path = (int)NEED(open(app_path("closed.db"), O_PATH | O_CLOEXEC));
  int closed_fifo = fifo("closed.fifo"), ignored_fifo = fifo("ignored.fifo");
  const uint16_t own_port = geteuid() == 0 ? 20011 : 20012;
  int closed_socket = udp_to(9, 0), ignored_socket = udp_to(10, 0);
  int reconnected = udp_to(11, 0), reconnected_from = udp_to(11, own_port);
  int closed_other = (int)syscall(SYS_pidfd_open, getpid(), 0);
  app_wait();

  if (getpid() == started) return 0;
  check_null("closed file", closed_file);
  check_end("closed file", closed_file);
  check_null("closed O_PATH descriptor", closed_path);
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
  if (closed_other >= 0) check_end("closed pidfd", closed_other);
  return 0;
}
