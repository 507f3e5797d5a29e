// Socket pairs of each type with queued data, one side shut down, options, and a peer that is gone.
#include <signal.h>
#include <sys/socket.h>

#include "packets.h"

static void make(int type, int pair[2]) {
  NEED(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  int stream[2], datagram[2], filtered[2], packet[2], half[2], gone[2], full[2];
  make(SOCK_STREAM, stream);
  fds_write(stream[0], "to one");
  fds_write(stream[1], "to zero");
  make(SOCK_DGRAM, datagram);
  fds_write(datagram[0], "first");
  fds_write(datagram[0], "second");
  CHECK_EQ("empty datagram", 0, send(datagram[0], "", 0, 0));
  fds_write(datagram[0], "third");
  make(SOCK_DGRAM | SOCK_NONBLOCK, filtered);
  fds_write(filtered[0], "before the filter");
  packets_filter(filtered[1], 0);
  make(SOCK_SEQPACKET | SOCK_NONBLOCK, packet);
  fds_write(packet[1], "one packet");
  fds_write(packet[1], "another");
  make(SOCK_STREAM, half);
  fds_write(half[0], "before the end");
  NEED(shutdown(half[0], SHUT_WR));
  make(SOCK_STREAM, gone);
  fds_write(gone[0], "legacy");
  close(gone[0]);
  make(SOCK_STREAM | SOCK_NONBLOCK, full);
  NEED(setsockopt(full[0], SOL_SOCKET, SO_SNDBUF, &(int){20000}, sizeof(int)));
  size_t queued = 0;
  char block[1000];
  memset(block, 'f', sizeof block);
  ssize_t size;
  while ((size = write(full[0], block, sizeof block)) > 0) queued += (size_t)size;
  NEED(setsockopt(stream[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){7, 0},
                  sizeof(struct timeval)));
  NEED(setsockopt(stream[1], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
  // SO_PASSPIDFD, from Linux 6.5 on.
  const bool passes_pidfd = setsockopt(stream[1], SOL_SOCKET, 76, &(int){1}, sizeof(int)) == 0;
  int copy = dup(stream[0]);
  app_wait();

  fds_check_read("stream, one way", stream[1], "to one");
  fds_check_read("stream, the other way", copy, "to zero");
  fds_write(copy, "after restore");
  fds_check_read("stream after restore", stream[1], "after restore");
  fds_check_read("first datagram", datagram[1], "first");
  fds_check_read("second datagram", datagram[1], "second");
  fds_check_read("empty datagram", datagram[1], "");
  fds_check_read("third datagram", datagram[1], "third");
  fds_check_empty("datagrams", datagram[1]);
  fds_check_read("datagram from before a filter", filtered[1], "before the filter");
  fds_write(filtered[0], "no, no");
  fds_write(filtered[0], packets_passed);
  fds_check_read("datagram that passes the filter", filtered[1], packets_passed);
  fds_check_empty("one that does not", filtered[1]);
  packets_check_filter("filter", filtered[1]);
  fds_check_read("first packet", packet[0], "one packet");
  fds_check_read("second packet", packet[0], "another");
  CHECK_EQ("read of an empty packet socket", -1, read(packet[0], block, 1));
  CHECK_EQ("its error", EAGAIN, errno);
  fds_check_read("stream that was shut down", half[1], "before the end");
  fds_check_read("its end", half[1], "");
  signal(SIGPIPE, SIG_IGN);
  CHECK_EQ("write after shutdown", -1, write(half[0], "x", 1));
  CHECK_EQ("its error", EPIPE, errno);
  fds_write(half[1], "other way");
  fds_check_read("other way of it", half[0], "other way");
  fds_check_read("words of a peer that is gone", gone[1], "legacy");
  fds_check_read("end of a peer that is gone", gone[1], "");
  CHECK_EQ("write to a full socket", -1, write(full[0], block, sizeof block));
  size_t got = 0;
  while ((size = read(full[1], block, sizeof block)) > 0) got += (size_t)size;
  CHECK_EQ("queued bytes", queued, got);

  struct timeval timeout;
  int value = 0;
  socklen_t length = sizeof timeout;
  NEED(getsockopt(stream[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, &length));
  CHECK_EQ("SO_RCVTIMEO", 7, timeout.tv_sec);
  length = sizeof value;
  NEED(getsockopt(stream[1], SOL_SOCKET, SO_PASSCRED, &value, &length));
  CHECK_EQ("SO_PASSCRED", 1, value);
  if (passes_pidfd) {
    NEED(getsockopt(stream[1], SOL_SOCKET, 76, &value, &length));
    CHECK_EQ("SO_PASSPIDFD", 1, value);
  }
  NEED(getsockopt(full[0], SOL_SOCKET, SO_SNDBUF, &value, &length));
  CHECK_EQ("SO_SNDBUF", 40000, value);
  struct ucred peer;
  length = sizeof peer;
  NEED(getsockopt(stream[0], SOL_SOCKET, SO_PEERCRED, &peer, &length));
  CHECK_EQ("uid of the peer", getuid(), peer.uid);
  return 0;
}
