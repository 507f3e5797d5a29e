// Stands between an app and its server, and passes all on, with descriptors; but of the first connection only the first bytes that
// the server sends, and then something else.
//   bent LISTEN SERVER BYTES close | silence | garbage | twice
//   bent LISTEN SERVER 1 stray | ping | late | mute
// Under `stray` it is one event more than the server sends, and then all that it does; under `ping`, once its wl_shm has spoken, the
// question of window.c's xdg_wm_base whether it answers, on each connection. Under `late`, what the server says begins a moment later on each
// connection but the first; under `mute`, it never does.
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kPiece = 4096, kFds = 28, kLateUs = 700000 };
static const size_t kAll = (size_t)-1;

static int unix_socket(const char* path, int listens) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int result = listens
                         ? bind(fd, (struct sockaddr*)&address, sizeof(address)) || listen(fd, 8)
                         : connect(fd, (struct sockaddr*)&address, sizeof(address));
  if (result != 0) exit(2);
  return fd;
}

/// At most `most` bytes. Their number, 0 at the end.
static size_t pass(int from, int to, size_t most, char* bytes) {
  char control[CMSG_SPACE(kFds * sizeof(int))];
  struct iovec part = {bytes, most < kPiece ? most : kPiece};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  const ssize_t got = recvmsg(from, &message, 0);
  if (got <= 0) return 0;
  part.iov_len = (size_t)got;
  if (message.msg_controllen == 0) message.msg_control = NULL;
  const ssize_t sent = sendmsg(to, &message, MSG_NOSIGNAL);
  for (struct cmsghdr* header = CMSG_FIRSTHDR(&message); header != NULL;
       header = CMSG_NXTHDR(&message, header))
    for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      close(fd);
    }
  return sent == got ? (size_t)got : 0;
}

static void bend(int app, const char* way, const char* last, size_t size) {
  char garbage[kPiece];
  memset(garbage, 0x9b, sizeof(garbage));
  if (strcmp(way, "close") == 0) exit(0);
  if (strcmp(way, "garbage") == 0) send(app, garbage, sizeof(garbage), MSG_NOSIGNAL);
  if (strcmp(way, "twice") == 0) send(app, last, size, MSG_NOSIGNAL);
  for (char piece[kPiece]; recv(app, piece, sizeof(piece), 0) > 0;) continue;
  exit(0);
}

/// Of wl_display, which has none of that number.
static void send_stray(int app) {
  const uint32_t event[2] = {1, sizeof(event) << 16 | 9};
  send(app, event, sizeof(event), MSG_NOSIGNAL);
}

enum { kShm = 5, kShell = 6 };  ///< objects of window.c

/// Whether the bytes hold the event that a global of window.c is made of, behind which all are made.
static int has_shm(const char* bytes, size_t size) {
  const uint32_t format[2] = {kShm, 12 << 16};
  return memmem(bytes, size, format, sizeof(format)) != NULL;
}

static void send_ping(int app) {
  const uint32_t event[3] = {kShell, sizeof(event) << 16, 4711};
  send(app, event, sizeof(event), MSG_NOSIGNAL);
}

static void serve(int app, const char* server_path, size_t most, const char* way) {
  const int server = unix_socket(server_path, 0);
  char bytes[kPiece];
  int pings = strcmp(way, "ping") == 0;
  const int mute = strcmp(way, "mute") == 0, late = strcmp(way, "late") == 0;
  if (mute && most == kAll) bend(app, "silence", NULL, 0);
  if (late && most == kAll) usleep(kLateUs);
  if (pings || mute || late) most = kAll;
  if (strcmp(way, "stray") == 0 && most != kAll) {
    send_stray(app);
    most = kAll;
  }
  for (;;) {
    struct pollfd polls[] = {{app, POLLIN, 0}, {server, POLLIN, 0}};
    poll(polls, 2, -1);
    if (polls[0].revents != 0 && pass(app, server, kPiece, bytes) == 0) exit(0);
    if (polls[1].revents == 0) continue;
    const size_t passed = pass(server, app, most, bytes);
    if (passed == 0) exit(0);
    if (pings && has_shm(bytes, passed)) send_ping(app), pings = 0;
    most -= passed;
    if (most == 0) bend(app, way, bytes, passed);
  }
}

int main(int argc, char** argv) {
  if (argc != 5) return 1;
  signal(SIGCHLD, SIG_IGN);
  const int door = unix_socket(argv[1], 1);
  for (size_t most = strtoul(argv[3], NULL, 10);; most = kAll) {
    const int app = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    if (app >= 0 && fork() == 0) serve(app, argv[2], most, argv[4]);
    close(app);
  }
}
