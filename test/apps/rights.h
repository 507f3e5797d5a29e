// Messages that carry descriptors, and the credentials of their sender.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "fds.h"

enum { kMostRights = 253 };  // SCM_MAX_FD of the kernel

/// Sends `size` bytes with copies of `count` descriptors.
static inline void rights_send(int to, const char* bytes, size_t size, const int* fds, int count) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(kMostRights * sizeof(int))];
  } control;
  struct iovec vector = {(char*)bytes, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  memset(&control, 0, sizeof control);
  control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
  message.msg_control = control.room;
  message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
  CHECK_EQ("bytes sent with descriptors", size, NEED(sendmsg(to, &message, 0)));
}

/// One descriptor, which is closed here: from then on only the message has it.
static inline void rights_give(int to, const char* text, int fd) {
  rights_send(to, text, strlen(text), &fd, 1);
  close(fd);
}

struct rights {
  ssize_t size;
  int count;
  int fds[kMostRights];
  bool has_sender;
  struct ucred sender;
};

/// Receives up to `size` bytes into `bytes`, and what stands beside them.
static inline struct rights rights_receive(int from, char* bytes, size_t size) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(kMostRights * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
  } control;
  struct iovec vector = {bytes, size};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = control.room,
                           .msg_controllen = sizeof control.room};
  struct rights got = {0};
  got.size = NEED(recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  CHECK_EQ("flags of a message", 0, message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
    CHECK_EQ("level of a control message", SOL_SOCKET, c->cmsg_level);
    if (c->cmsg_type == SCM_CREDENTIALS) {
      got.has_sender = true;
      memcpy(&got.sender, CMSG_DATA(c), sizeof got.sender);
    } else if (c->cmsg_type == SCM_RIGHTS) {
      got.count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      memcpy(got.fds, CMSG_DATA(c), (size_t)got.count * sizeof(int));
    }
  }
  return got;
}

/// The next `size` bytes at most are `text`, with so many descriptors; the first of them, or -1.
static inline int rights_expect(const char* what, int from, size_t size, const char* text,
                                int count) {
  char bytes[256] = "";
  struct rights got = rights_receive(from, bytes, size < sizeof bytes ? size : sizeof bytes - 1);
  CHECK_EQ(what, strlen(text), got.size);
  CHECK_STR(what, text, bytes);
  CHECK_EQ(what, count, got.count);
  for (int i = 1; i < got.count; i++) close(got.fds[i]);
  return got.count == 0 ? -1 : got.fds[0];
}

/// The message tells of that process as its sender; 0: of none.
static inline void rights_expect_sender(const char* what, int from, size_t size, const char* text,
                                        pid_t pid) {
  char bytes[256] = "";
  struct rights got = rights_receive(from, bytes, size);
  CHECK_STR(what, text, bytes);
  CHECK(got.has_sender);
  CHECK_EQ(what, pid, got.sender.pid);
  if (pid == 0) return;
  CHECK_EQ("its user", getuid(), got.sender.uid);
  CHECK_EQ("its group", getgid(), got.sender.gid);
}
